package holdfast_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

func TestDeregistrationsWhileTheKitCloses(t *testing.T) {
	kit := open(t, idempotent(), memory(t))
	const n = 50
	instance := func(i int) registry.Instance { return registry.Instance{Addr: fmt.Sprintf("10.0.1.%d:80", i)} }
	for i := range n {
		if err := kit.Register(t.Context(), "orders", instance(i)); err != nil {
			t.Fatal(err)
		}
	}
	var leaving sync.WaitGroup
	for i := range n {
		leaving.Go(func() {
			if err := kit.Deregister(t.Context(), "orders", instance(i)); err != nil {
				t.Error(err)
			}
		})
	}
	if err := kit.Close(); err != nil {
		t.Error(err)
	}
	leaving.Wait()
}

// slowRegistry holds each registration up until it may go on.
type slowRegistry struct {
	*registrytest.Memory
	begun, goOn chan struct{}
}

func (s slowRegistry) Register(ctx context.Context, service registry.Service, i registry.Instance) error {
	close(s.begun)
	<-s.goOn
	return s.Memory.Register(ctx, service, i)
}

func TestRegistrationThatTheRegistryHearsOfAfterCloseIsTakenBack(t *testing.T) {
	slow := slowRegistry{memory(t), make(chan struct{}), make(chan struct{})}
	kit := open(t, idempotent(), slow)
	done := make(chan error)
	go func() { done <- kit.Register(t.Context(), "orders", registry.Instance{Addr: addrs[0]}) }()
	<-slow.begun
	if err := kit.Close(); err != nil {
		t.Fatal(err)
	}
	close(slow.goOn)
	if err := <-done; !errors.Is(err, holdfast.ErrClosed) {
		t.Errorf("registered with a closed kit: %v", err)
	}
	if left := registered(t, slow.Memory); len(left) != 0 {
		t.Errorf("still registered: %v", left)
	}
}

// registered returns who is registered for orders.
func registered(t *testing.T, m *registrytest.Memory) []registry.Instance {
	t.Helper()
	seen := make(chan registry.Snapshot, 8)
	stop, err := m.Watch(t.Context(), orders, func(s registry.Snapshot) { seen <- s })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	return (<-seen).Instances
}

// heavy is a registry that refuses heavy instances.
type heavy struct{ *registrytest.Memory }

func (h heavy) Register(ctx context.Context, s registry.Service, i registry.Instance) error {
	if i.Weight > 1 {
		return registry.ErrRefused
	}
	return h.Memory.Register(ctx, s, i)
}

func TestRefusedChangeLeavesTheDeclarationBeforeIt(t *testing.T) {
	h := heavy{memory(t)}
	kit := open(t, idempotent(), h)
	if err := kit.Register(t.Context(), "orders", registry.Instance{Addr: addrs[0]}); err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs[:2] {
		if err := kit.Register(t.Context(), "orders", registry.Instance{Addr: addr, Weight: 5}); !errors.Is(err, registry.ErrRefused) {
			t.Fatal(err)
		}
	}
	if got := kit.Status().Registered; len(got) != 1 || got[0].Addr != addrs[0] {
		t.Errorf("registered %v", got)
	}
	if err := kit.Close(); err != nil {
		t.Fatal(err)
	}
	if left := registered(t, h.Memory); len(left) != 0 {
		t.Errorf("still registered: %v", left)
	}
}

// One outage is told once, not for each declaration.
func TestCloseWithoutARegistry(t *testing.T) {
	m := memory(t)
	kit, err := holdfast.Open(idempotent(), holdfast.WithRegistry(m), holdfast.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs {
		if err := kit.Register(t.Context(), "orders", registry.Instance{Addr: addr}); err != nil {
			t.Fatal(err)
		}
	}
	m.Fail(errors.New("gone"))
	const want = "holdfast: deregister: registry: no server available: gone"
	if err := kit.Close(); !errors.Is(err, registry.ErrUnavailable) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A probe shows one line that says what is missing and why.
func TestReadySaysWhatIsMissing(t *testing.T) {
	m := memory(t)
	m.Fail(errors.New("gone"))
	kit := open(t, idempotent(), m)
	var c callees
	if _, err := client(t, kit, "Get", &c)(t.Context(), "42"); !errors.Is(err, registry.ErrUnavailable) {
		t.Fatal(err)
	}
	const want = "holdfast: no list of instances of orders: registry: no server available: gone"
	if err := kit.Ready(); !errors.Is(err, registry.ErrUnavailable) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
