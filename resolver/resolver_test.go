package resolver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
	"github.com/holdfast-go/holdfast/resolver"
)

func TestFirstCallWaitsForTheFirstList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		get := r.Client(new(answers).factory).Endpoint()
		time.AfterFunc(time.Second, func() { s.push(at("a:1")...) })
		began := time.Now()
		got, err := get(t.Context(), nil)
		if err != nil || got != "a:1" || time.Since(began) != time.Second {
			t.Fatalf("got %v, %v after %v", got, err, time.Since(began))
		}
	})
}

func TestFirstCallWaitsNoLongerThanItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := open(t, policy.Ejection{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Client(new(answers).factory).Endpoint()(ctx, nil)
		if !errors.Is(err, resolver.ErrNoInstance) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if want := "resolver: no instance of orders (no list of them has come yet): context deadline exceeded"; err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if o := policy.Classify(nil, err).Outcome; o != policy.NoInstance {
			t.Fatalf("judged %v", o)
		}
		if err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Wait: %v", err)
		}
	})
}

func TestFailsAtOnceWhileNothingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		get := r.Client(new(answers).factory).Endpoint()
		time.AfterFunc(time.Second, func() { s.fail(registry.ErrUnavailable) })
		began := time.Now()
		for range 2 { // one that waits already, and one that comes later
			_, err := get(t.Context(), nil)
			var pick *resolver.PickError
			if !errors.As(err, &pick) || !errors.Is(err, resolver.ErrNoInstance) || !errors.Is(err, registry.ErrUnavailable) {
				t.Fatal(err)
			}
			if pick.Service != "orders" || pick.Total != 0 {
				t.Fatalf("%+v", pick)
			}
		}
		if time.Since(began) != time.Second {
			t.Fatalf("took %v", time.Since(began))
		}
		time.AfterFunc(time.Second, func() { s.push(at("a:1")...) })
		if err := r.Wait(t.Context()); err != nil { // for the list, whatever was said before
			t.Fatal(err)
		}
		if _, err := get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	})
}

// A service that had no instances when the program ended may have some now.
func TestEmptyListFromDiskIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		get := r.Client(new(answers).factory).Endpoint()
		s.send(registry.Snapshot{Source: registry.SourceDisk})
		time.AfterFunc(time.Second, func() { s.push(at("a:1")...) })
		if _, err := get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		s.send(registry.Snapshot{Source: registry.SourceDisk, Err: registry.ErrUnavailable})
		if _, err := get(t.Context(), nil); !errors.Is(err, registry.ErrUnavailable) {
			t.Fatalf("no server answers: %v", err)
		}
	})
}

func TestOutageKeepsTheList(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	get := r.Client(new(answers).factory).Endpoint()
	s.push(at("a:1")...)
	s.fail(registry.ErrUnavailable)
	if _, err := get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if st := r.Status(); !errors.Is(st.Err, registry.ErrUnavailable) || st.Source != registry.SourcePush || st.Total != 1 {
		t.Fatalf("%+v", st)
	}
	s.push(at("a:1")...)
	if st := r.Status(); st.Err != nil {
		t.Fatal(st.Err)
	}
}

func TestStatusAndEvents(t *testing.T) {
	seen := &events{}
	r, s := open(t, policy.Ejection{}, resolver.WithObserver(seen))
	told := time.Unix(1, 0)
	list := at("a:1", "b:1", "c:1", "d:1")
	list[1].Disabled, list[2].Unhealthy, list[3].Weight, list[3].Unconfirmed = true, true, 0.5, true
	s.send(registry.Snapshot{Source: registry.SourceDisk, Node: "n1", At: told, Instances: list})
	st := r.Status()
	if st.Service != "orders" || st.Source != registry.SourceDisk || st.Node != "n1" || !st.At.Equal(told) || st.Total != 4 || st.Usable != 2 {
		t.Fatalf("%+v", st)
	}
	for i, want := range []resolver.InstanceStatus{
		{Addr: "a:1", Cluster: "DEFAULT", Weight: 1, Usable: true},
		{Addr: "b:1", Cluster: "DEFAULT", Weight: 1, Disabled: true},
		{Addr: "c:1", Cluster: "DEFAULT", Weight: 1, Unhealthy: true},
		{Addr: "d:1", Cluster: "DEFAULT", Weight: 0.5, Usable: true, Unconfirmed: true},
	} {
		if st.Instances[i] != want {
			t.Errorf("got %+v, want %+v", st.Instances[i], want)
		}
	}
	s.push(at("a:1", "e:1")...)
	want := event.InstancesChanged{Service: "orders", Source: "push", Added: 1, Removed: 3, Total: 2, Usable: 2}
	if got := last[event.InstancesChanged](seen); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.push(at("a:1", "e:1")...)
	if n := seen.count("instances.changed"); n != 2 {
		t.Errorf("%d events for two changes", n)
	}
}

func TestFollowsARegistry(t *testing.T) {
	m := registrytest.NewMemory()
	r, err := resolver.New(m, orders, policy.Ejection{})
	if err != nil {
		t.Fatal(err)
	}
	get := r.Client(new(answers).factory).Endpoint()
	if err := m.Register(t.Context(), orders, registry.Instance{Addr: "a:1"}); err != nil {
		t.Fatal(err)
	}
	for { // the first list may still be the empty one
		got, err := get(t.Context(), nil)
		if err == nil && got == "a:1" {
			break
		}
		if t.Context().Err() != nil || !errors.Is(err, resolver.ErrNoInstance) {
			t.Fatal(got, err)
		}
	}
	if err := errors.Join(r.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestRefusesIllegalService(t *testing.T) {
	_, err := resolver.New(&source{}, registry.Service{Name: " "}, policy.Ejection{})
	var refused *registry.FieldError
	if !errors.As(err, &refused) || refused.Path != "service.name" {
		t.Fatal(err)
	}
}

func TestCollaboratorsMayBeNil(t *testing.T) {
	r, s := open(t, policy.Ejection{}, resolver.WithObserver(nil), resolver.WithBalancer(nil))
	s.push(at("a:1")...)
	if _, err := r.Client(new(answers).factory, resolver.Classify(nil)).Endpoint()(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestClosedResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		waits := make(chan error)
		go func() { waits <- r.Wait(t.Context()) }()
		before := r.Client(new(answers).factory)
		synctest.Wait()
		for range 2 {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-waits; !errors.Is(err, resolver.ErrClosed) {
			t.Error(err)
		}
		s.push(at("a:1")...)
		for _, c := range []*resolver.Client{before, r.Client(new(answers).factory)} {
			if _, err := c.Endpoint()(t.Context(), nil); !errors.Is(err, resolver.ErrClosed) || !errors.Is(err, resolver.ErrNoInstance) {
				t.Error(err)
			}
		}
	})
}
