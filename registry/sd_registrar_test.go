package registry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/sd"
	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

var _ sd.Registrar = (*registry.SDRegistrar)(nil)

func TestSDRegistrar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		s := b.subscribe(t)
		r := registry.NewSDRegistrar(servers, orders, registry.Instance{Addr: "a:1", Disabled: true}, registry.WithObserver(b))
		r.Register()
		wantList(t, s.last(t), registry.SourcePush, "a:1")
		r.Deregister()
		wantList(t, s.last(t), registry.SourcePush)
		if events := b.reported(); len(events) != 0 {
			t.Errorf("reported %+v", events)
		}
	})
}

func TestSDRegistrarReportsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, registrytest.NewMemory(), "")
		r := registry.NewSDRegistrar(stuck{}, orders, registry.Instance{Addr: "a:1"}, registry.WithObserver(b))
		begin := time.Now()
		r.Register()
		if took := time.Since(begin); took != registry.SDTimeout {
			t.Errorf("Register took %s, want %s", took, registry.SDTimeout)
		}
		r.Deregister()
		events := b.reported()
		if len(events) != 2 {
			t.Fatalf("reported %+v, want two failures", events)
		}
		for n, doing := range []string{"register", "deregister"} {
			e, ok := events[n].(event.RegistryFailed)
			if !ok || e.Doing != doing || e.Subject != "orders" || !errors.Is(e.Cause, context.DeadlineExceeded) {
				t.Errorf("reported %+v, want a failure to %s", events[n], doing)
			}
		}
	})
}

// stuck answers when its caller gives up.
type stuck struct{}

func (stuck) Register(ctx context.Context, _ registry.Service, _ registry.Instance) error {
	<-ctx.Done()
	return ctx.Err()
}

func (stuck) Deregister(ctx context.Context, _ registry.Service, _ registry.Instance) error {
	<-ctx.Done()
	return ctx.Err()
}
