package resolver_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/go-kit/kit/endpoint"
	"go.uber.org/goleak"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/resolver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var orders = registry.Service{Name: "orders"}

// source is a Watcher that delivers on the goroutine of whoever pushes, so that a push is seen when it returns.
type source struct {
	mu    sync.Mutex
	watch func(registry.Snapshot)
}

func (s *source) Watch(_ context.Context, _ registry.Service, fn func(registry.Snapshot)) (func(), error) {
	s.watch = fn
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watch = func(registry.Snapshot) {}
	}, nil
}

func (s *source) send(snapshot registry.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot.Service = orders
	s.watch(snapshot)
}

func (s *source) push(instances ...registry.Instance) {
	s.send(registry.Snapshot{Source: registry.SourcePush, Instances: registry.Normalize(instances)})
}

func (s *source) fail(err error) { s.send(registry.Snapshot{Err: err}) }

// at makes healthy instances of weight 1.
func at(addrs ...string) []registry.Instance {
	all := make([]registry.Instance, len(addrs))
	for i, a := range addrs {
		all[i] = registry.Instance{Addr: a}.WithDefaults()
	}
	return all
}

func many(n int) []registry.Instance {
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = fmt.Sprintf("10.0.%d.%d:80", i/250, i%250)
	}
	return registry.Normalize(at(addrs...))
}

func open(t testing.TB, e policy.Ejection, opts ...resolver.Option) (*resolver.Resolver, *source) {
	t.Helper()
	s := &source{}
	r, err := resolver.New(s, orders, e, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, s
}

// answers is a factory whose endpoints answer with their address, or fail as the map says.
type answers struct {
	mu     sync.Mutex
	failed map[string]error
	made   map[string]int
}

func (a *answers) set(addr string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil {
		a.failed = map[string]error{}
	}
	a.failed[addr] = err
}

func (a *answers) factory(addr string) (endpoint.Endpoint, io.Closer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.made == nil {
		a.made = map[string]int{}
	}
	a.made[addr]++
	return func(context.Context, any) (any, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		return addr, a.failed[addr]
	}, nil, nil
}

// judged is an error with a verdict.
type judged policy.Outcome

func (j judged) Error() string           { return policy.Outcome(j).String() }
func (j judged) Verdict() policy.Verdict { return policy.Verdict{Outcome: policy.Outcome(j)} }

// count calls n times and counts who answered.
func count(t testing.TB, e endpoint.Endpoint, n int) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for range n {
		ctx, state := call.Enter(context.Background(), "orders", "Get")
		state.Next()
		_, _ = e(ctx, nil)
		counts[state.Instance]++
	}
	return counts
}

// events collects what it observes.
type events struct {
	mu  sync.Mutex
	all []event.Event
}

func (e *events) Observe(ev event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

func (e *events) count(name string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, ev := range e.all {
		if ev.Name() == name {
			n++
		}
	}
	return n
}

// last returns the latest event of type T.
func last[T event.Event](e *events) (found T) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.all {
		if ev, ok := ev.(T); ok {
			found = ev
		}
	}
	return found
}
