package resolver_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/resolver"
)

func TestUnusableInstancesGetNoTraffic(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	get := r.Client(new(answers).factory).Endpoint()
	list := at("a:1", "b:1", "c:1", "d:1")
	list[0].Disabled, list[1].Unhealthy, list[2].Weight = true, true, 0
	s.push(list...)
	if got := count(t, get, 100); got["d:1"] != 100 {
		t.Fatal(got)
	}
	list[3].Disabled = true
	s.push(list...)
	_, err := get(t.Context(), nil)
	var pick *resolver.PickError
	if !errors.As(err, &pick) || pick.Total != 4 || pick.Usable != 0 || pick.AllTried {
		t.Fatalf("%v", err)
	}
	list[0].Disabled = false
	s.push(list...)
	if got := count(t, get, 100); got["a:1"] != 100 {
		t.Fatal(got)
	}
}

// attempts repeats a call whatever its verdict, until it has been sent most times or could not be.
func attempts(t *testing.T, get endpoint.Endpoint, most int) (sent []string, err error) {
	t.Helper()
	ctx, state := call.Enter(t.Context(), "orders", "Get")
	for range most {
		state.Next()
		if _, err = get(ctx, nil); state.Instance == "" {
			return sent, err
		}
		sent = append(sent, state.Instance)
	}
	return sent, err
}

func TestTriedInstanceIsNotTriedAgain(t *testing.T) {
	for _, o := range []policy.Outcome{policy.NeverSent, policy.Throttled, policy.TimedOut, policy.Failed} {
		t.Run(o.String(), func(t *testing.T) {
			r, s := open(t, policy.Ejection{Disabled: policy.True})
			all := &answers{}
			list := at("a:1", "b:1", "c:1")
			list[0].Weight = 1000 // the others hardly ever come first
			s.push(list...)
			for _, i := range list {
				all.set(i.Addr, judged(o))
			}
			get := r.Client(all.factory).Endpoint()
			sent, err := attempts(t, get, 5)
			first := map[string]bool{}
			for _, addr := range sent[:3] {
				first[addr] = true
			}
			if len(first) != 3 {
				t.Fatalf("tried %v", sent)
			}
			if o.SameInstance() {
				if len(sent) != 5 {
					t.Fatalf("after all were tried, one may be again: %v, %v", sent, err)
				}
				return
			}
			var pick *resolver.PickError
			if len(sent) != 3 || !errors.As(err, &pick) || !pick.AllTried || !errors.Is(err, judged(o)) {
				t.Fatalf("tried %v, then %v", sent, err)
			}
			if v := policy.Classify(nil, err).Outcome; v.Repeatable(true) || v.BlamesService() || v.OK() {
				t.Fatalf("judged %v", v)
			}
		})
	}
}

func TestLastFailureDecidesWhetherOneIsTriedAgain(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	s.push(at("a:1", "b:1")...)
	var failures []error
	get := r.Client(func(string) (endpoint.Endpoint, io.Closer, error) {
		return func(context.Context, any) (any, error) {
			err := failures[0]
			failures = failures[1:]
			return nil, err
		}, nil, nil
	}).Endpoint()
	failures = []error{judged(policy.Failed), judged(policy.NeverSent), judged(policy.Failed)}
	sent, err := attempts(t, get, 9)
	if len(sent) != 3 || !errors.Is(err, judged(policy.Failed)) {
		t.Fatalf("tried %v, then %v", sent, err)
	}
}

func TestListThatGrowsOffersAnotherInstance(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	s.push(at("a:1")...)
	all := &answers{}
	all.set("a:1", judged(policy.Failed))
	get := r.Client(all.factory).Endpoint()
	ctx, state := call.Enter(t.Context(), "orders", "Get")
	state.Next()
	_, _ = get(ctx, nil)
	s.push(at("a:1", "b:1")...)
	state.Next()
	if got, err := get(ctx, nil); got != "b:1" {
		t.Fatal(got, err)
	}
}

func TestAttemptsThatNobodyAnnounces(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	s.push(at("a:1", "b:1")...)
	all := &answers{}
	all.set("a:1", judged(policy.Failed))
	all.set("b:1", judged(policy.Failed))
	get := r.Client(all.factory).Endpoint()
	ctx, state := call.Enter(t.Context(), "orders", "Get")
	for range 2 {
		_, _ = get(ctx, nil)
	}
	for _, i := range r.Status().Instances {
		if i.Failures != 1 {
			t.Errorf("%s: %d failures", i.Addr, i.Failures)
		}
	}
	if v, ok := state.Verdict(); !ok || v.Outcome != policy.Failed {
		t.Error(v, ok)
	}
}

func TestClassifierJudgesAnswersOnly(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	get := r.Client(new(answers).factory, resolver.Classify(func(response any, _ error) policy.Verdict {
		if response != "a:1" {
			t.Errorf("asked about %v", response)
		}
		return policy.Verdict{Outcome: policy.TimedOut}
	})).Endpoint()
	s.push()
	ctx, state := call.Enter(t.Context(), "orders", "Get")
	_, _ = get(ctx, nil)
	if v, _ := state.Verdict(); v.Outcome != policy.NoInstance {
		t.Error(v)
	}
	s.push(at("a:1")...)
	_, _ = get(ctx, nil)
	if v, _ := state.Verdict(); v.Outcome != policy.TimedOut {
		t.Error(v)
	}
	if n := r.Status().Instances[0].Failures; n != 1 {
		t.Errorf("%d failures", n)
	}
}

func TestWrapsAreMadeOncePerInstance(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	s.push(at("a:1", "b:1")...)
	var order []string
	wrap := func(name string) resolver.ClientOption {
		made := 0
		return resolver.Wrap(func(next endpoint.Endpoint) endpoint.Endpoint {
			if made++; made > 2 {
				t.Errorf("%s made %d times for two instances", name, made)
			}
			return func(ctx context.Context, request any) (any, error) {
				if call.From(ctx).Instance == "" {
					t.Error("the instance is not known")
				}
				order = append(order, name)
				return next(ctx, request)
			}
		})
	}
	count(t, r.Client(new(answers).factory, wrap("outer"), wrap("inner")).Endpoint(), 10)
	if len(order) != 20 || order[0] != "outer" || order[1] != "inner" {
		t.Fatal(order)
	}
}

func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		s.push(at("a:1")...)
		block := make(chan struct{})
		get := r.Client(func(string) (endpoint.Endpoint, io.Closer, error) {
			return func(context.Context, any) (any, error) { <-block; panic("no answer") }, nil, nil
		}).Endpoint()
		for range 3 {
			go func() {
				defer func() { _ = recover() }()
				_, _ = get(t.Context(), nil)
			}()
		}
		synctest.Wait()
		if n := r.Status().Instances[0].InFlight; n != 3 {
			t.Errorf("%d in flight", n)
		}
		close(block)
		synctest.Wait()
		if n := r.Status().Instances[0].InFlight; n != 0 {
			t.Errorf("%d in flight after the last panicked", n)
		}
	})
}

func TestInstanceWhoseFactoryFailsIsSkipped(t *testing.T) {
	for name, fail := range map[string]func() (endpoint.Endpoint, io.Closer, error){
		"error":       func() (endpoint.Endpoint, io.Closer, error) { return nil, nil, errors.New("no certificate") },
		"panic":       func() (endpoint.Endpoint, io.Closer, error) { panic("no certificate") },
		"no endpoint": func() (endpoint.Endpoint, io.Closer, error) { return nil, nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen := &events{}
				r, s := open(t, policy.Ejection{}, resolver.WithObserver(seen))
				s.push(at("bad:1", "good:1")...)
				fails, made := true, 0
				good := new(answers).factory
				get := r.Client(func(addr string) (endpoint.Endpoint, io.Closer, error) {
					if addr == "bad:1" {
						if made++; fails {
							return fail()
						}
					}
					return good(addr)
				}).Endpoint()
				other := r.Client(good).Endpoint()
				if got := count(t, get, 100); got["good:1"] != 100 || made != 1 {
					t.Fatalf("%v, factory called %d times", got, made)
				}
				if got := count(t, other, 100); got["bad:1"] != 50 {
					t.Errorf("another client goes without it: %v", got)
				}
				if e := last[event.FactoryFailed](seen); e.Instance != "bad:1" || e.Cause == nil {
					t.Errorf("%+v", e)
				}
				time.Sleep(5 * time.Second)
				if got := count(t, get, 100); got["good:1"] != 100 || made != 2 {
					t.Fatalf("%v, factory called %d times", got, made)
				}
				time.Sleep(5 * time.Second)
				fails = false
				if got := count(t, get, 100); got["bad:1"] != 50 || made != 3 {
					t.Fatalf("%v, factory called %d times", got, made)
				}
			})
		})
	}
}

func TestNoFactorySucceeds(t *testing.T) {
	r, s := open(t, policy.Ejection{})
	s.push(many(20)...)
	cause := errors.New("no certificate")
	get := r.Client(func(string) (endpoint.Endpoint, io.Closer, error) { return nil, nil, cause }).Endpoint()
	_, err := get(t.Context(), nil)
	if !errors.Is(err, resolver.ErrNoInstance) || !errors.Is(err, cause) {
		t.Fatal(err)
	}
	_, err = get(t.Context(), nil) // makes no endpoint and still says why there is none
	if !errors.Is(err, resolver.ErrNoInstance) || !errors.Is(err, cause) {
		t.Fatal(err)
	}
}

func TestCallsWaitForTheirEndpointNoLongerThanTheyMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := open(t, policy.Ejection{})
		s.push(at("a:1")...)
		made := 0
		get := r.Client(func(addr string) (endpoint.Endpoint, io.Closer, error) {
			made++
			time.Sleep(2 * time.Second)
			return func(context.Context, any) (any, error) { return addr, nil }, nil, nil
		}).Endpoint()
		maker := make(chan error)
		go func() { _, err := get(t.Context(), nil); maker <- err }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := get(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, resolver.ErrNoInstance) {
			t.Error(err)
		}
		if _, err := get(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if err := <-maker; err != nil || made != 1 {
			t.Errorf("%v, made %d times", err, made)
		}
	})
}
