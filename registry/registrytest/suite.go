package registrytest

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/registry"
)

// patience is how long a case waits for what must happen; a cluster of real servers needs up to two seconds per change.
const patience = 20 * time.Second

// Run tests the contract. Each call of open gives another client of the same servers; Run closes it. Names are made
// unique, so that the servers may be in use. Cases run in parallel.
func Run(t *testing.T, open func(t *testing.T) Implementation) {
	s := &suite{open: open, one: opened(t, open), two: opened(t, open)}
	cases := slices.Concat(registering, watching, configuring, closing)
	if s.one.RemoveConfig != nil {
		cases = append(cases, removing...)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, s)
		})
	}
}

// suite holds two clients that the cases share.
type suite struct {
	open     func(t *testing.T) Implementation
	one, two Implementation
}

type testCase struct {
	name string
	run  func(t *testing.T, s *suite)
}

func opened(t *testing.T, open func(t *testing.T) Implementation) Implementation {
	t.Helper()
	client := open(t)
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return client
}

// unique is a name that nobody else uses.
func unique() string { return "conformance-" + strings.ToLower(rand.Text()[:12]) }

func newService() registry.Service { return registry.Service{Name: unique()}.WithDefaults() }

// patient is a context for one request.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// register declares instances and takes them back when the test ends.
func register(t *testing.T, r registry.Registrar, s registry.Service, instances ...registry.Instance) {
	t.Helper()
	for _, i := range instances {
		if err := r.Register(patient(t), s, i); err != nil {
			t.Fatalf("register %s: %v", i.Addr, err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := r.Deregister(ctx, s, i); err != nil {
				t.Errorf("deregister %s at the end: %v", i.Addr, err)
			}
		})
	}
}

func deregister(t *testing.T, r registry.Registrar, s registry.Service, i registry.Instance) {
	t.Helper()
	if err := r.Deregister(patient(t), s, i); err != nil {
		t.Fatalf("deregister %s: %v", i.Addr, err)
	}
}

func at(addr string) registry.Instance { return registry.Instance{Addr: addr} }
