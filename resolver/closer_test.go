package resolver_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/endpoint"
	"pgregory.net/rapid"

	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/resolver"
)

// connection is what the factory of a shop opens for an instance.
type connection struct {
	addr          string
	users, closes atomic.Int64
	closedInUse   atomic.Bool
}

func (c *connection) Close() error {
	c.closes.Add(1)
	if c.users.Load() > 0 {
		c.closedInUse.Store(true)
	}
	return nil
}

// shop is a factory that remembers its connections. An endpoint tells entered and returns when its request, a channel,
// does; with no request it returns at once.
type shop struct {
	entered chan *connection
	mu      sync.Mutex
	all     []*connection
}

func (s *shop) factory(addr string) (endpoint.Endpoint, io.Closer, error) {
	c := &connection{addr: addr}
	s.mu.Lock()
	s.all = append(s.all, c)
	s.mu.Unlock()
	return func(_ context.Context, request any) (any, error) {
		c.users.Add(1)
		defer c.users.Add(-1)
		if c.closes.Load() > 0 {
			return nil, errors.New("called after it was closed")
		}
		if request != nil {
			s.entered <- c
			<-request.(chan struct{})
		}
		return nil, nil
	}, c, nil
}

type reporter interface {
	Errorf(string, ...any)
}

func (s *shop) allClosedOnce(t reporter) {
	for _, c := range s.all {
		if n := c.closes.Load(); n != 1 || c.closedInUse.Load() {
			t.Errorf("connection to %s: closed %d times, in use: %v", c.addr, n, c.closedInUse.Load())
		}
	}
}

// A model: every connection is open while its instance is listed or a call uses it, and closed as soon as neither is.
func TestClosersRunOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := &source{}
		r, err := resolver.New(src, orders, policy.Ejection{})
		if err != nil {
			t.Fatal(err)
		}
		s := &shop{entered: make(chan *connection)}
		clients := []*resolver.Client{r.Client(s.factory), r.Client(s.factory)}
		all := many(6)
		listed := map[string]bool{}
		open := map[*connection]*resolver.Client{} // clients that are
		uses := map[*connection]int{}
		type underWay struct {
			on      *connection
			request chan struct{}
			done    chan error
		}
		var calls []underWay
		finish := func(i int) {
			c := calls[i]
			calls = append(calls[:i], calls[i+1:]...)
			close(c.request)
			if err := <-c.done; err != nil {
				t.Fatalf("%v", err)
			}
			uses[c.on]--
		}
		t.Repeat(map[string]func(*rapid.T){
			"update": func(t *rapid.T) {
				list := rapid.SliceOfDistinct(rapid.SampledFrom(all), func(i registry.Instance) string { return i.Addr }).Draw(t, "list")
				src.push(list...)
				clear(listed)
				for _, i := range list {
					listed[i.Addr] = true
				}
				for c := range open {
					if !listed[c.addr] {
						delete(open, c)
					}
				}
			},
			"begin": func(t *rapid.T) {
				client := rapid.SampledFrom(clients).Draw(t, "client")
				c := underWay{request: make(chan struct{}), done: make(chan error, 1)}
				go func() {
					_, err := client.Endpoint()(context.Background(), c.request)
					c.done <- err
				}()
				if len(listed) == 0 {
					src.push() // a call before the first list would wait
				}
				select {
				case c.on = <-s.entered:
					if !listed[c.on.addr] {
						t.Fatalf("called %s, which is not listed", c.on.addr)
					}
					open[c.on] = client
					uses[c.on]++
					calls = append(calls, c)
				case err := <-c.done:
					if !errors.Is(err, resolver.ErrNoInstance) {
						t.Fatalf("%v", err)
					}
				}
			},
			"end": func(t *rapid.T) {
				if len(calls) == 0 {
					t.Skip("no call under way")
				}
				finish(rapid.IntRange(0, len(calls)-1).Draw(t, "call"))
			},
			"close": func(t *rapid.T) {
				i := rapid.IntRange(0, len(clients)-1).Draw(t, "client")
				if err := clients[i].Close(); err != nil {
					t.Fatalf("%v", err)
				}
				for c, by := range open {
					if by == clients[i] {
						delete(open, c)
					}
				}
				clients[i] = r.Client(s.factory)
			},
			"": func(t *rapid.T) {
				for _, c := range s.all {
					want := int64(1)
					if open[c] != nil || uses[c] > 0 {
						want = 0
					}
					if got := c.closes.Load(); got != want {
						t.Fatalf("connection to %s: closed %d times, want %d", c.addr, got, want)
					}
				}
			},
		})
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		for len(calls) > 0 {
			finish(0)
		}
		s.allClosedOnce(t)
	})
}

// The same without a model, but at once.
func TestClosersRunOnceUnderConcurrency(t *testing.T) {
	r, src := open(t, policy.Ejection{})
	s := &shop{}
	all := many(4)
	src.push(all...)
	shared := r.Client(s.factory)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for i := range 500 {
				client := shared
				if i%50 == 0 {
					client = r.Client(s.factory)
				}
				if _, err := client.Endpoint()(t.Context(), nil); err != nil && !errors.Is(err, resolver.ErrNoInstance) {
					t.Error(err)
				}
				if client != shared {
					workers.Go(func() { _ = client.Close() })
					_, _ = client.Endpoint()(t.Context(), nil)
				}
			}
		})
	}
	workers.Go(func() {
		for i := range 500 {
			src.push(all[i%3 : i%3+1+i%2]...)
		}
	})
	workers.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if len(s.all) < 4 {
		t.Errorf("only %d connections made", len(s.all))
	}
	s.allClosedOnce(t)
}

func TestCloserThatFails(t *testing.T) {
	seen := &events{}
	src := &source{}
	r, err := resolver.New(src, orders, policy.Ejection{}, resolver.WithObserver(seen))
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("already closed")
	src.push(at("a:1", "b:1")...)
	client := r.Client(func(addr string) (endpoint.Endpoint, io.Closer, error) {
		return func(context.Context, any) (any, error) { return nil, nil }, closer(func() error {
			if addr == "a:1" {
				panic("no")
			}
			return cause
		}), nil
	})
	count(t, client.Endpoint(), 10)
	if err := r.Close(); !errors.Is(err, cause) || seen.count("panic") != 1 {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
}

// interrupted is a Balancer that lets something happen between the pick and the call.
type interrupted struct{ before func() }

func (b *interrupted) Build(nodes []*resolver.Node) resolver.Picker {
	return pickFunc(func(a resolver.Attempt) *resolver.Node {
		b.before()
		return resolver.RoundRobin().Build(nodes).Pick(a)
	})
}

type pickFunc func(resolver.Attempt) *resolver.Node

func (f pickFunc) Pick(a resolver.Attempt) *resolver.Node { return f(a) }

func TestPickedInstanceThatIsGoneWhenItIsCalled(t *testing.T) {
	for _, name := range []string{"left the list", "client closed", "resolver closed"} {
		t.Run(name, func(t *testing.T) {
			balancer := &interrupted{}
			r, src := open(t, policy.Ejection{}, resolver.WithBalancer(balancer))
			s := &shop{}
			client := r.Client(s.factory)
			balancer.before = map[string]func(){
				"left the list":   func() { src.push() },
				"client closed":   func() { _ = client.Close() },
				"resolver closed": func() { _ = r.Close() },
			}[name]
			src.push(at("a:1")...)
			if _, err := client.Endpoint()(t.Context(), nil); err != nil {
				t.Fatal(err) // it began before
			}
			if len(s.all) != 1 {
				t.Errorf("%d connections made", len(s.all))
			}
			s.allClosedOnce(t)
		})
	}
}

// Callers meet connections at the moment of their closing.
func TestConnectionsThatCloseAreNotUsed(t *testing.T) {
	r, src := open(t, policy.Ejection{})
	s := &shop{}
	lists := [][]registry.Instance{at("a:1"), at("b:1")}
	src.push(lists[0]...)
	get := r.Client(s.factory).Endpoint()
	var callers, updates sync.WaitGroup
	stop := make(chan struct{})
	updates.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				src.push(lists[i%2]...)
			}
		}
	})
	for range 2 {
		callers.Go(func() {
			for range 5000 {
				if _, err := get(t.Context(), nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	close(stop)
	updates.Wait()
	_ = r.Close()
	s.allClosedOnce(t)
}

type closer func() error

func (c closer) Close() error { return c() }

func TestWrapThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, src := open(t, policy.Ejection{})
		s := &shop{}
		panics := true
		get := r.Client(s.factory, resolver.Wrap(func(next endpoint.Endpoint) endpoint.Endpoint {
			if panics {
				panic("no")
			}
			return next
		})).Endpoint()
		src.push(at("a:1")...)
		if _, err := get(t.Context(), nil); !errors.Is(err, resolver.ErrNoInstance) {
			t.Fatal(err)
		}
		panics = false
		time.Sleep(5 * time.Second)
		if _, err := get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if len(s.all) != 2 || s.all[0].closes.Load() != 1 || s.all[1].closes.Load() != 0 {
			t.Fatal("the connection that could not be wrapped is not the one that was closed")
		}
	})
}

func TestDisabledInstanceKeepsItsConnection(t *testing.T) {
	r, src := open(t, policy.Ejection{})
	s := &shop{}
	list := at("a:1", "b:1")
	src.push(list...)
	get := r.Client(s.factory).Endpoint()
	count(t, get, 2)
	list[0].Disabled = true
	src.push(list...)
	list[0].Disabled, list[0].Weight = false, 3
	src.push(list...)
	count(t, get, 8)
	if len(s.all) != 2 || s.all[0].closes.Load() != 0 || s.all[1].closes.Load() != 0 {
		t.Fatalf("%d connections", len(s.all))
	}
}
