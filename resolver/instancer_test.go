package resolver_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/sd"
	"github.com/go-kit/kit/sd/lb"
	"github.com/go-kit/log"

	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
)

func TestInstancerSendsUsableAddresses(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	i := r.Instancer()
	defer i.Stop()
	ch := make(chan sd.Event)
	i.Register(ch)
	i.Register(ch)
	list := at("a:1", "b:1", "c:1", "d:1", "e:1")
	list[0].Disabled, list[1].Unhealthy, list[2].Weight = true, true, 0
	elsewhere := list[3]
	elsewhere.Cluster = "elsewhere"
	s.push(append(list, elsewhere)...)
	if e := <-ch; e.Err != nil || !slices.Equal(e.Instances, []string{"d:1", "e:1"}) {
		t.Fatal(e)
	}
	list[0].Disabled = false
	s.push(list...)
	if e := <-ch; e.Err != nil || !slices.Equal(e.Instances, []string{"a:1", "d:1", "e:1"}) {
		t.Fatal(e)
	}
}

func TestInstancerInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		i := r.Instancer()
		defer i.Stop()
		ch := make(chan sd.Event)
		i.Register(ch)
		silent := func() {
			t.Helper()
			synctest.Wait()
			select {
			case e := <-ch:
				t.Fatalf("got %v", e)
			default:
			}
		}
		failed := func() {
			t.Helper()
			if e := <-ch; !errors.Is(e.Err, registry.ErrUnavailable) || e.Instances != nil {
				t.Fatal(e)
			}
			silent()
		}
		listed := func(addrs ...string) {
			t.Helper()
			if e := <-ch; e.Err != nil || e.Instances == nil || !slices.Equal(e.Instances, addrs) {
				t.Fatal(e)
			}
		}
		silent()
		s.fail(registry.ErrUnavailable)
		failed()
		s.push(at("a:1")...)
		listed("a:1")
		s.push(at("a:1")...)
		silent()
		s.fail(registry.ErrUnavailable)
		failed()
		s.fail(registry.ErrUnavailable)
		silent()
		s.push(at("a:1")...) // unchanged, but the outage is over
		listed("a:1")
		s.send(registry.Snapshot{Source: registry.SourceDisk, Instances: at("a:1", "b:1"), Err: registry.ErrUnavailable})
		listed("a:1", "b:1") // an old list is better than none
		failed()
		s.push()
		listed()
		silent()
	})
}

func TestInstancerSkipsWhatASlowReceiverMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		i := r.Instancer()
		defer i.Stop()
		ch := make(chan sd.Event)
		i.Register(ch)
		for n := range 100 {
			s.push(many(n)...)
		}
		synctest.Wait()
		if e := <-ch; len(e.Instances) != 99 {
			t.Fatalf("%d addresses", len(e.Instances))
		}
	})
}

func TestNothingIsSentAfterDeregister(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	first, second := r.Instancer(), r.Instancer()
	ends := map[string]func(chan sd.Event){
		"Deregister": func(ch chan sd.Event) { first.Deregister(ch); first.Deregister(ch) },
		"Stop":       func(chan sd.Event) { first.Stop(); first.Stop() },
		"Close":      func(chan sd.Event) { _ = r.Close() },
	}
	for _, name := range []string{"Deregister", "Stop", "Close"} {
		ch := make(chan sd.Event)
		register := first
		if name == "Close" {
			first.Register(make(chan sd.Event)) // stopped
			register = second
		}
		register.Register(ch)
		s.push(many(3)...) // nobody receives
		ends[name](ch)
		close(ch) // sending would panic
		s.push(many(4)...)
		register.Deregister(ch)
	}
	second.Register(make(chan sd.Event))
}

func TestGoKitFollowsTheInstancer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		i := r.Instancer()
		defer i.Stop()
		endpointer := sd.NewEndpointer(i, new(answers).factory, log.NewNopLogger(), sd.InvalidateOnError(time.Minute))
		defer endpointer.Close()
		balancer := lb.NewRoundRobin(endpointer)
		s.push(at("a:1")...)
		synctest.Wait()
		s.fail(registry.ErrUnavailable)
		time.Sleep(time.Second)
		e, err := balancer.Endpoint()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e(t.Context(), nil); got != "a:1" || err != nil {
			t.Fatal(got, err)
		}
		time.Sleep(time.Minute) // the outage is known to go-kit
		if _, err := balancer.Endpoint(); !errors.Is(err, registry.ErrUnavailable) {
			t.Fatal(err)
		}
		s.push(at("a:1")...)
		synctest.Wait()
		if _, err := balancer.Endpoint(); err != nil {
			t.Fatal(err)
		}
	})
}
