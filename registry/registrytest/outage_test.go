package registrytest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

var orders = registry.Service{Name: "orders"}

// told follows orders; the function it returns gives the newest snapshot once all is quiet.
func told(t *testing.T, w registry.Watcher) func() registry.Snapshot {
	t.Helper()
	var last registry.Snapshot
	stop, err := w.Watch(t.Context(), orders, func(s registry.Snapshot) { last = s })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return func() registry.Snapshot {
		synctest.Wait()
		return last
	}
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := registrytest.NewMemory()
		if err := m.Register(t.Context(), orders, registry.Instance{Addr: "a:1"}); err != nil {
			t.Fatal(err)
		}
		before := told(t, m)
		before()
		cause := errors.New("cable cut")
		m.Fail(cause)
		late := told(t, m.Client())
		if s := before(); len(s.Instances) != 1 || !errors.Is(s.Err, registry.ErrUnavailable) || !errors.Is(s.Err, cause) {
			t.Errorf("who knew the list has %+v, want it with the error", s)
		}
		if s := late(); s.Known() || !errors.Is(s.Err, registry.ErrUnavailable) {
			t.Errorf("who came later has %+v, want just the error", s)
		}
		if err := m.Register(t.Context(), orders, registry.Instance{Addr: "b:1"}); !errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("register: %v", err)
		}
		if _, err := m.Read(t.Context(), registry.ConfigKey{DataID: "policy"}); !errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("read: %v", err)
		}
		m.Fail(nil)
		for _, last := range []func() registry.Snapshot{before, late} {
			if s := last(); len(s.Instances) != 2 || s.Err != nil {
				t.Errorf("after the outage: %+v, want both instances", s)
			}
		}
	})
}

func TestPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := registrytest.NewMemory()
		last := told(t, m)
		m.Push(registry.Snapshot{Service: orders, Node: "n1", Instances: []registry.Instance{{Addr: "b:1"}, {Addr: "a:1"}}})
		s := last()
		if len(s.Instances) != 2 || s.Instances[0].Addr != "a:1" || s.Node != "n1" || s.Source != registry.SourcePush || s.At.IsZero() {
			t.Errorf("got %+v", s)
		}
		m.Push(registry.Snapshot{Service: orders, Err: errors.New("confused")})
		if s := last(); s.Known() || s.Err == nil {
			t.Errorf("got %+v, want just the error", s)
		}
		if err := m.Register(context.Background(), orders, registry.Instance{Addr: "c:1"}); err != nil {
			t.Fatal(err)
		}
		if s := last(); len(s.Instances) != 3 || s.Err != nil {
			t.Errorf("got %+v, want all three", s)
		}
	})
}
