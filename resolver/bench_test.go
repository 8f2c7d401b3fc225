package resolver_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/sd"
	"github.com/go-kit/kit/sd/lb"
	"github.com/go-kit/log"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
)

func nop(string) (endpoint.Endpoint, io.Closer, error) {
	return func(context.Context, any) (any, error) { return nil, nil }, nil, nil
}

// oneCall makes a call of one attempt.
func oneCall(e endpoint.Endpoint) {
	ctx, _ := call.Enter(context.Background(), "orders", "Get")
	_, _ = e(ctx, nil)
}

func TestCallsDoNotAllocate(t *testing.T) {
	weighted := many(3)
	weighted[0].Weight = 7
	for name, list := range map[string][]registry.Instance{"one": many(1), "equal": many(100), "weighted": weighted} {
		r, s := open(t, policy.Ejection{})
		s.push(list...)
		get := r.Client(nop).Endpoint()
		do := func() { oneCall(get) }
		for range 10 * len(list) { // so that all endpoints are made
			do()
		}
		if n := testing.AllocsPerRun(1000, do) - entering(); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// entering is what the state of a call allocates, with its context.
func entering() float64 {
	return testing.AllocsPerRun(1000, func() { call.Enter(context.Background(), "orders", "Get") })
}

func TestRepeatedAttemptsDoNotAllocate(t *testing.T) {
	r, s := open(t, policy.Ejection{Disabled: policy.True})
	s.push(many(3)...)
	failed := error(judged(policy.NeverSent))
	get := r.Client(func(string) (endpoint.Endpoint, io.Closer, error) {
		return func(context.Context, any) (any, error) { return nil, failed }, nil, nil
	}).Endpoint()
	const attempts = 3
	do := func() {
		ctx, state := call.Enter(context.Background(), "orders", "Get")
		for range attempts {
			state.Next()
			_, _ = get(ctx, nil)
		}
	}
	do()
	// The verdict is found by errors.As, which has its target on the heap.
	if n := testing.AllocsPerRun(1000, do) - entering(); n > attempts {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCall(b *testing.B) {
	for _, n := range []int{1, 10, 1000, 10_000} {
		weighted := many(n)
		for i := range weighted {
			weighted[i].Weight = float64(1 + i%10)
		}
		for name, list := range map[string][]registry.Instance{"equal": many(n), "weighted": weighted} {
			r, s := open(b, policy.Ejection{})
			s.push(list...)
			get := r.Client(nop).Endpoint()
			b.Run(fmt.Sprintf("holdfast/%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						oneCall(get)
					}
				})
			})
		}
		e := sd.NewEndpointer(sd.FixedInstancer(addrs(many(n))), nop, log.NewNopLogger())
		balancer := lb.NewRoundRobin(e)
		b.Run(fmt.Sprintf("go-kit/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if e, err := balancer.Endpoint(); err == nil {
						_, _ = e(context.Background(), nil)
					}
				}
			})
		})
		e.Close()
	}
}

func addrs(list []registry.Instance) []string {
	all := make([]string, len(list))
	for i := range list {
		all[i] = list[i].Addr
	}
	return all
}

// instancer hands a benchmark the channel that go-kit's Endpointer receives from.
type instancer struct{ ch chan<- sd.Event }

func (i *instancer) Register(ch chan<- sd.Event) { i.ch = ch }
func (i *instancer) Deregister(chan<- sd.Event)  {}
func (i *instancer) Stop()                       {}

// Each update replaces one instance of n by another.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		lists := [2][]registry.Instance{many(n), many(n + 1)[1:]}
		b.Run(fmt.Sprintf("holdfast/%d", n), func(b *testing.B) {
			r, s := open(b, policy.Ejection{})
			client := r.Client(nop)
			s.push(lists[0]...)
			for range n { // so that there is an endpoint for each
				_, _ = client.Endpoint()(b.Context(), nil)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				s.send(registry.Snapshot{Source: registry.SourcePush, Instances: lists[i%2]})
				_, _ = client.Endpoint()(b.Context(), nil)
			}
		})
		b.Run(fmt.Sprintf("go-kit/%d", n), func(b *testing.B) {
			src := &instancer{}
			endpointer := sd.NewEndpointer(src, nop, log.NewNopLogger())
			defer endpointer.Close()
			events := [2][]string{addrs(lists[0]), addrs(lists[1])}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				src.ch <- sd.Event{Instances: events[i%2]}
				src.ch <- sd.Event{Err: context.Canceled} // received once the update is done; go-kit only logs it
			}
		})
	}
}
