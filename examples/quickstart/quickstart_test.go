package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
	"github.com/holdfast-go/holdfast/registry"
)

// during the given phases only, in the order of the table, each as long as said.
func shortened(t *testing.T, lasts map[string]time.Duration) []phase {
	t.Helper()
	var kept []phase
	for _, p := range phases {
		if d, ok := lasts[p.name]; ok {
			p.lasts = d
			kept = append(kept, p)
		}
	}
	if len(kept) != len(lasts) {
		t.Fatalf("no such phases: %v", lasts)
	}
	return kept
}

func experience(t *testing.T, without string, phases []phase) *account {
	t.Helper()
	cfg, err := loadPolicy(without)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	seen, err := perform(t.Context(), cluster, cfg, slog.New(slog.DiscardHandler), phases, silent{})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func broken(t *testing.T, seen *account, text string) error {
	t.Helper()
	verdicts, _ := judge(seen)
	i := slices.IndexFunc(verdicts, func(v verdict) bool { return v.text == text })
	if i < 0 {
		t.Fatalf("%q was not put to the test", text)
	}
	return verdicts[i].broken
}

// Each part is there for a promise, which is kept with it and broken without.
func TestWithoutAPartAPromiseIsBroken(t *testing.T) {
	tests := []struct {
		part, promise string
		phases        map[string]time.Duration
	}{
		{"retry", noDefault, map[string]time.Duration{
			"all Nacos nodes killed": 100 * time.Millisecond,
			"two providers killed":   100 * time.Millisecond,
			"gateway restarted":      time.Second,
		}},
		{"fallback", noFailure, map[string]time.Duration{
			steady:           500 * time.Millisecond,
			allProvidersDown: 500 * time.Millisecond,
		}},
		{"snapshot", noDefault, map[string]time.Duration{
			"all Nacos nodes killed": 100 * time.Millisecond,
			"gateway restarted":      500 * time.Millisecond,
		}},
		{"breaker", breakerOpens, map[string]time.Duration{
			steady:           500 * time.Millisecond,
			allProvidersDown: 3 * time.Second,
		}},
		{"ejection", seldomStale, map[string]time.Duration{
			steady:                   500 * time.Millisecond,
			"all Nacos nodes killed": 100 * time.Millisecond,
			"two providers killed":   2500 * time.Millisecond,
		}},
	}
	if len(tests) != len(parts) {
		t.Errorf("%d parts can be taken out, %d are tried", len(parts), len(tests))
	}
	for _, test := range tests {
		t.Run(test.part, func(t *testing.T) {
			t.Run("in", func(t *testing.T) {
				t.Parallel()
				if err := broken(t, experience(t, "", shortened(t, test.phases)), test.promise); err != nil {
					t.Errorf("%s: %v", test.promise, err)
				}
			})
			t.Run("out", func(t *testing.T) {
				t.Parallel()
				if err := broken(t, experience(t, test.part, shortened(t, test.phases)), test.promise); err == nil {
					t.Errorf("kept all the same: %s", test.promise)
				}
			})
		})
	}
}

func TestNothingIsLeft(t *testing.T) {
	before := goroutineIDs()
	seen := experience(t, "", shortened(t, map[string]time.Duration{steady: 300 * time.Millisecond, "a provider joins": 0}))
	seen.left = lookForLeftovers(before, seen.listened)
	for _, promise := range []string{nothingIsLeft, allFetched, noFailure, noDefault} {
		if err := broken(t, seen, promise); err != nil {
			t.Errorf("%s: %v", promise, err)
		}
	}
	if len(seen.listened) != 3*2+7 {
		t.Errorf("looked at %v", seen.listened)
	}
}

func TestLeftoversAreFound(t *testing.T) {
	before := goroutineIDs()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	end := make(chan struct{})
	defer close(end)
	go func() { <-end }()

	left := look(before, []string{l.Addr().String()})
	if err := left.err(); err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "TestLeftoversAreFound") {
		t.Errorf("found %v", err)
	}
}

func TestPhasesOfAClusterOfOnesOwn(t *testing.T) {
	tests := []struct {
		kill, start string
		leftOut     []string
	}{
		{"", "", []string{"one Nacos node killed: needs -kill-cmd", "all Nacos nodes killed: needs -kill-cmd", "Nacos back: needs -kill-cmd"}},
		{"false", "", []string{"all Nacos nodes killed: needs -start-cmd", "Nacos back: needs -start-cmd"}},
		{"false", "false", nil},
	}
	for _, test := range tests {
		kept, leftOut := possible(phases, remote(nil, nil, test.kill, test.start))
		if !slices.Equal(leftOut, test.leftOut) || len(kept)+len(leftOut) != len(phases) {
			t.Errorf("-kill-cmd %q -start-cmd %q: left out %q", test.kill, test.start, leftOut)
		}
	}
}

// standIn is a cluster that is embedded, but reached and killed like somebody else's.
func standIn(t *testing.T, kill, start, format string) *nacos {
	t.Helper()
	cluster := nacostest.NewCluster(t, 3)
	var servers []string
	for _, addr := range cluster.Addrs() {
		servers = append(servers, fmt.Sprintf(format, addr))
	}
	nodes, err := registry.Connection{Servers: servers}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	c := remote(servers, nodes, kill, start)
	if kill != "" {
		c.kill = func(_ context.Context, n int) error { cluster.Node(n).Kill(); return nil }
	}
	if start != "" {
		c.start = func(_ context.Context, n int) error { return cluster.Node(n).Restart(false) }
	}
	return c
}

// However the servers are written, it is the node in use that is killed, and the nodes that are up are counted.
func TestClusterOfOnesOwn(t *testing.T) {
	for _, format := range []string{"%s", "http://%s/nacos"} {
		c := standIn(t, "x", "x", format)
		cfg, err := loadPolicy("")
		if err != nil {
			t.Fatal(err)
		}
		few := shortened(t, map[string]time.Duration{
			steady: 300 * time.Millisecond, "one Nacos node killed": 300 * time.Millisecond,
			"all Nacos nodes killed": 300 * time.Millisecond, "Nacos back": 300 * time.Millisecond,
		})
		seen, err := perform(t.Context(), c, cfg, slog.New(slog.DiscardHandler), few, silent{})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []int{3, 2, 0, 3} {
			if p := seen.periods[i]; p.nodesUp != want {
				t.Errorf("%s: %s: %d nodes up, want %d", format, p.name, p.nodesUp, want)
			}
		}
		for _, text := range []string{noFailure, noDefault, seldomStale, mendedIsCalled} {
			if err := broken(t, seen, text); err != nil {
				t.Errorf("%s: %s: %v", format, text, err)
			}
		}
	}
}

func TestRunThatIsBrokenOffLeavesTheNodesUp(t *testing.T) {
	c := standIn(t, "x", "x", "%s")
	if err := c.killAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.close()
	if n := c.upCount(); n != 3 {
		t.Errorf("%d nodes are up", n)
	}
}

func TestCommandsGetTheNumberOfTheNode(t *testing.T) {
	nodes, err := registry.Connection{Servers: []string{"127.0.0.1:1", "127.0.0.1:2"}}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	cluster := remote(nil, nodes, "exit", "")
	if err := cluster.killOne(t.Context(), "127.0.0.1:2"); err == nil || !strings.Contains(err.Error(), "exit 2: exit status 2") {
		t.Errorf("%v", err)
	}
	if err := cluster.killOne(t.Context(), "127.0.0.1:3"); err == nil || !strings.Contains(err.Error(), "none of") {
		t.Errorf("%v", err)
	}
}
