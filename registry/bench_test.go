package registry_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

var orders = registry.Service{Name: "orders"}.WithDefaults()

// bench is a Keeper over a registry in memory, with what it reported.
type bench struct {
	*registry.Keeper
	servers *registrytest.Memory
	dir     string

	mu     sync.Mutex
	events []event.Event
}

// newBench makes a Keeper on dir; no disk when that is empty. The test closes it at its end.
func newBench(t *testing.T, servers *registrytest.Memory, dir string) *bench {
	t.Helper()
	b := &bench{servers: servers, dir: dir}
	cfg := registry.KeeperConfig{Disk: registry.Disk{Dir: dir, Disabled: dir == ""}}
	b.Keeper = registry.NewKeeper(servers, cfg, registry.WithObserver(b))
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func (b *bench) Observe(e event.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

// reported empties what was reported and returns it.
func (b *bench) reported() []event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.events
	b.events = nil
	return events
}

// seen is what a subscriber was told.
type seen struct {
	mu   sync.Mutex
	all  []registry.Snapshot
	stop func()
}

func (b *bench) subscribe(t *testing.T) *seen {
	t.Helper()
	s := &seen{}
	stop, err := b.Watch(t.Context(), orders, s.add)
	if err != nil {
		t.Fatal(err)
	}
	s.stop = stop
	return s
}

func (s *seen) add(snapshot registry.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, snapshot)
}

// settled returns all that was told once everything has come to rest.
func (s *seen) settled() []registry.Snapshot {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (s *seen) last(t *testing.T) registry.Snapshot {
	t.Helper()
	all := s.settled()
	if len(all) == 0 {
		t.Fatal("nothing was told")
	}
	return all[len(all)-1]
}

func instances(addrs ...string) []registry.Instance {
	var all []registry.Instance
	for _, addr := range addrs {
		all = append(all, registry.Instance{Addr: addr, Weight: 1, Cluster: registry.DefaultCluster})
	}
	return all
}

func push(servers *registrytest.Memory, addrs ...string) {
	servers.Push(registry.Snapshot{Service: orders, Instances: instances(addrs...)})
}

func wantList(t *testing.T, s registry.Snapshot, source registry.Source, addrs ...string) {
	t.Helper()
	got := make([]string, 0, len(s.Instances))
	for _, i := range s.Instances {
		got = append(got, i.Addr)
	}
	if !slices.Equal(got, addrs) || s.Source != source {
		t.Fatalf("got %q from %q, want %q from %q", got, s.Source, addrs, source)
	}
}
