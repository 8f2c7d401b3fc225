package holdfast_test

import (
	"context"
	"errors"
	"fmt"
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
	registered := make(chan error)
	go func() { registered <- kit.Register(t.Context(), "orders", registry.Instance{Addr: addrs[0]}) }()
	<-slow.begun
	if err := kit.Close(); err != nil {
		t.Fatal(err)
	}
	close(slow.goOn)
	if err := <-registered; !errors.Is(err, holdfast.ErrClosed) {
		t.Errorf("registered with a closed kit: %v", err)
	}
	left := make(chan registry.Snapshot, 8)
	stop, err := slow.Watch(t.Context(), orders, func(s registry.Snapshot) { left <- s })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if s := <-left; len(s.Instances) != 0 {
		t.Errorf("still registered: %v", s.Instances)
	}
}
