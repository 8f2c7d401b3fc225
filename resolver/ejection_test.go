package resolver_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/endpoint"
	"pgregory.net/rapid"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/resolver"
)

// fixture is a service of which some instances can be made to fail.
type fixture struct {
	*answers
	*source
	*events
	r      *resolver.Resolver
	client *resolver.Client
}

func newFixture(t testing.TB, e policy.Ejection, instances ...registry.Instance) *fixture {
	f := &fixture{answers: &answers{}, events: &events{}}
	f.r, f.source = open(t, e, resolver.WithObserver(f.events))
	f.client = f.r.Client(f.factory)
	f.push(instances...)
	return f
}

// call calls n times and counts the instances that were called.
func (f *fixture) call(t testing.TB, n int) map[string]int { return count(t, f.client.Endpoint(), n) }

func (f *fixture) instance(addr string) resolver.InstanceStatus {
	for _, i := range f.r.Status().Instances {
		if i.Addr == addr {
			return i
		}
	}
	return resolver.InstanceStatus{}
}

func TestConsecutiveFailuresEject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, policy.Ejection{}, at("a:1", "b:1", "c:1")...)
		f.set("a:1", judged(policy.Failed))
		if got := f.call(t, 90); got["a:1"] != 3 {
			t.Fatal(got)
		}
		e := last[event.Ejected](f.events)
		if e.Instance != "a:1" || e.Service != "orders" || e.Failures != 3 || e.For < 27*time.Second || e.For > 33*time.Second {
			t.Fatalf("%+v", e)
		}
		if i := f.instance("a:1"); !i.Ejected || i.Failures != 3 || time.Until(i.EjectedUntil) != e.For {
			t.Fatalf("%+v", i)
		}
		f.set("a:1", nil)
		time.Sleep(e.For - 1)
		if got := f.call(t, 90); got["a:1"] != 0 {
			t.Fatal(got)
		}
		time.Sleep(time.Nanosecond)
		if i := f.instance("a:1"); i.Ejected || i.Failures != 0 || f.count("instance.returned") != 1 {
			t.Fatalf("%+v", i)
		}
		if got := f.call(t, 90); got["a:1"] != 30 {
			t.Fatal(got)
		}
	})
}

func TestWhatCountsAsFailure(t *testing.T) {
	for o := policy.Success; o <= policy.Failed; o++ {
		f := newFixture(t, policy.Ejection{}, at("a:1", "b:1")...)
		f.set("a:1", judged(o))
		f.call(t, 20)
		if got := f.instance("a:1").Ejected; got != o.BlamesInstance() {
			t.Errorf("%v: ejected %v", o, got)
		}
	}
}

func TestGoodAnswerResetsTheCount(t *testing.T) {
	f := newFixture(t, policy.Ejection{}, at("a:1", "b:1")...)
	for _, o := range []policy.Outcome{policy.Failed, policy.TimedOut, policy.Refused, policy.NeverSent, policy.Canceled, policy.Failed} {
		f.set("a:1", judged(o))
		f.call(t, 2)
	}
	if i := f.instance("a:1"); i.Ejected || i.Failures != 2 {
		t.Fatalf("%+v", i)
	}
	f.set("a:1", judged(policy.Throttled))
	f.call(t, 2)
	f.set("a:1", judged(policy.Failed))
	f.call(t, 2)
	if i := f.instance("a:1"); !i.Ejected {
		t.Fatalf("%+v", i)
	}
}

func TestRepeatedEjectionsGrowAndAreForgiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, policy.Ejection{Time: 10 * time.Second, MaxTime: 25 * time.Second}, at("a:1", "b:1")...)
		eject := func() time.Duration {
			t.Helper()
			f.set("a:1", judged(policy.Failed))
			before := f.count("instance.ejected")
			if got := f.call(t, 20); got["a:1"] != 3 || f.count("instance.ejected") != before+1 { // after a return, the full number again
				t.Fatal(got)
			}
			e := last[event.Ejected](f.events)
			time.Sleep(e.For)
			return e.For
		}
		for _, want := range []time.Duration{10, 20, 25, 25} {
			got, want := eject(), want*time.Second
			if got < want*9/10 || got > want*11/10 || got > 25*time.Second {
				t.Errorf("lasted %v, want about %v", got, want)
			}
		}
		f.set("a:1", nil)
		f.call(t, 2)
		time.Sleep(30 * time.Second) // three times Time: of 4 ejections in a row, one remains
		if got := eject(); got < 18*time.Second || got > 22*time.Second {
			t.Errorf("lasted %v, want about 20s", got)
		}
		f.set("a:1", nil)
		f.call(t, 2)
		time.Sleep(time.Hour)
		if got := eject(); got > 11*time.Second {
			t.Errorf("lasted %v, want about 10s", got)
		}
	})
}

func TestAtMostSomeAreEjected(t *testing.T) {
	for _, tc := range []struct{ instances, percent, out int }{
		{1, 50, 0}, {2, 50, 1}, {3, 50, 1}, {5, 50, 2}, {10, 10, 1}, {5, 10, 1}, {4, 100, 4},
	} {
		e := policy.Ejection{MaxPercent: tc.percent}
		f := newFixture(t, e, many(tc.instances)...)
		for _, i := range many(tc.instances) {
			f.set(i.Addr, judged(policy.Failed))
		}
		f.call(t, 20*tc.instances)
		out := 0
		for _, i := range f.r.Status().Instances {
			if i.Ejected {
				out++
			}
		}
		if out != tc.out || f.count("instance.ejected") != tc.out {
			t.Errorf("%+v: %d ejected", tc, out)
		}
		if refused := f.count("instance.ejection_refused"); (refused > 0) != (tc.out < tc.instances) {
			t.Errorf("%+v: %d refused", tc, refused)
		}
	}
}

func TestEjectionThatHasEndedMakesRoomForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		s.push(at("a:1", "b:1")...)
		get := r.Client(func(addr string) (endpoint.Endpoint, io.Closer, error) {
			return func(context.Context, any) (any, error) {
				if addr == "b:1" {
					time.Sleep(time.Minute)
				}
				return nil, judged(policy.Failed)
			}, nil, nil
		}).Endpoint()
		var calls sync.WaitGroup
		for range 6 { // three to each
			calls.Go(func() { _, _ = get(t.Context(), nil) })
		}
		calls.Wait() // b's fail when a could have returned, had anybody called
		if st := r.Status(); st.Instances[0].Ejected || !st.Instances[1].Ejected {
			t.Fatalf("%+v", st.Instances)
		}
	})
}

func TestPanicMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, policy.Ejection{MaxPercent: 100}, at("a:1", "b:1", "c:1", "d:1")...)
		for _, addr := range []string{"a:1", "b:1", "c:1"} {
			f.set(addr, judged(policy.Failed))
		}
		f.call(t, 60)
		if e := last[event.PanicMode](f.events); !e.On || e.Available != 1 || e.Total != 4 || !f.r.Status().PanicMode {
			t.Fatalf("%+v", e)
		}
		if got := f.call(t, 100); got["a:1"] != 25 {
			t.Fatalf("in panic mode all are used: %v", got)
		}
		f.set("a:1", nil)
		f.call(t, 100)
		if !f.instance("a:1").Ejected {
			t.Error("a good answer ended the ejection")
		}
		time.Sleep(33 * time.Second)
		f.set("b:1", nil)
		f.set("c:1", nil)
		if got := f.call(t, 100); got["d:1"] != 25 {
			t.Fatal(got)
		}
		if e := last[event.PanicMode](f.events); e.On || e.Available != 4 || f.count("instances.panic_mode") != 2 || f.r.Status().PanicMode {
			t.Errorf("%+v", e)
		}
	})
}

func TestEjectionSurvivesUpdates(t *testing.T) {
	f := newFixture(t, policy.Ejection{}, at("a:1", "b:1", "c:1")...)
	f.set("a:1", judged(policy.Failed))
	f.call(t, 30)
	f.set("b:1", judged(policy.Failed))
	f.call(t, 4)
	before := f.instance("b:1").Failures
	list := at("a:1", "b:1", "d:1", "e:1")
	list[0].Weight, list[1].Weight = 5, 2
	f.push(list...)
	if i := f.instance("a:1"); !i.Ejected || i.Weight != 5 {
		t.Errorf("%+v", i)
	}
	if i := f.instance("b:1"); i.Failures != before || before != 2 {
		t.Errorf("%+v, had %d failures", i, before)
	}
	f.push(at("d:1", "e:1")...)
	f.push(list...)
	if i := f.instance("a:1"); i.Ejected || i.Failures != 0 {
		t.Errorf("an instance that left and came back is a new one: %+v", i)
	}
}

func TestEjectionIsSharedByClients(t *testing.T) {
	f := newFixture(t, policy.Ejection{}, at("a:1", "b:1")...)
	f.set("a:1", judged(policy.Failed))
	f.call(t, 20)
	other := f.r.Client(f.factory)
	if got := count(t, other.Endpoint(), 20); got["a:1"] != 0 {
		t.Fatal(got)
	}
}

func TestEjectionDisabled(t *testing.T) {
	f := newFixture(t, policy.Ejection{Disabled: policy.True}, at("a:1", "b:1")...)
	f.set("a:1", judged(policy.Failed))
	if got := f.call(t, 20); got["a:1"] != 10 || f.instance("a:1").Failures != 10 {
		t.Fatal(got)
	}
}

// Whatever is called, fails, joins, leaves and returns: never are more ejected than the policy allows, and while there is
// a usable instance a call finds one.
func TestMaximumHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Embedded, t hides its Deadline, which there is none of in fake time.
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			e := policy.Ejection{
				Time:         time.Second,
				MaxPercent:   rapid.IntRange(1, 100).Draw(rt, "maxPercent"),
				PanicPercent: rapid.IntRange(1, 100).Draw(rt, "panicPercent"),
			}
			f := newFixture(t, e)
			f.push()
			defer func() { _ = f.r.Close() }()
			all := many(8)
			rt.Repeat(map[string]func(*rapid.T){
				"update": func(rt *rapid.T) {
					list := rapid.SliceOfDistinct(rapid.SampledFrom(all), func(i registry.Instance) string { return i.Addr }).Draw(rt, "list")
					for i := range list {
						list[i].Unhealthy = rapid.Bool().Draw(rt, "unhealthy")
					}
					f.push(list...)
				},
				"fail": func(rt *rapid.T) {
					f.set(rapid.SampledFrom(all).Draw(rt, "instance").Addr, judged(policy.Failed))
				},
				"heal": func(rt *rapid.T) { f.set(rapid.SampledFrom(all).Draw(rt, "instance").Addr, nil) },
				"call": func(rt *rapid.T) { f.call(t, rapid.IntRange(1, 30).Draw(rt, "calls")) },
				"wait": func(rt *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(1, 5000).Draw(rt, "milliseconds")) * time.Millisecond)
				},
				"": func(rt *rapid.T) {
					s := f.r.Status()
					usable, out := 0, 0
					for _, i := range s.Instances {
						if !i.Disabled && !i.Unhealthy {
							usable++
							if i.Ejected {
								out++
							}
						}
					}
					limit := usable * e.MaxPercent / 100
					if usable > 1 {
						limit = max(1, limit)
					}
					if s.Usable != usable || out > limit {
						rt.Fatalf("%d of %d usable instances are ejected, at most %d may be: %+v", out, usable, limit, s)
					}
					if panicking := out > 0 && (usable-out)*100 < e.PanicPercent*usable; s.PanicMode != panicking {
						rt.Fatalf("panic mode %v with %d of %d usable instances ejected: %+v", s.PanicMode, out, usable, s)
					}
					ctx, state := call.Enter(context.Background(), "orders", "Get")
					if _, _ = f.client.Endpoint()(ctx, nil); (state.Instance != "") != (usable > 0) {
						rt.Fatalf("called %q with %d usable instances", state.Instance, usable)
					}
				},
			})
		})
	})
}
