package resolver

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/kit/sd"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
)

// Resolver follows one service. Its methods may be called by many goroutines at once.
type Resolver struct {
	service  registry.Service
	ejection policy.Ejection
	balancer Balancer
	observer event.Observer
	began    time.Time // what elapsed counts from

	view      atomic.Pointer[view]
	stop      func()
	done      chan struct{}
	feeds     sync.WaitGroup
	closeOnce sync.Once

	mu      sync.Mutex // held to change what follows, the view and the nodes; never across a call
	closed  bool
	clients map[*Client]struct{}
}

// Option is a collaborator of a Resolver.
type Option func(*Resolver)

// WithObserver says who hears of changed lists and of ejections. The observer may ask for the Resolver's Status, but
// must not call its other methods. Default: nobody.
func WithObserver(o event.Observer) Option {
	return func(r *Resolver) {
		if o != nil {
			r.observer = o
		}
	}
}

// WithBalancer says how instances are chosen. Default: RoundRobin.
func WithBalancer(b Balancer) Option {
	return func(r *Resolver) {
		if b != nil {
			r.balancer = b
		}
	}
}

// New follows service s by w. It does no network I/O of its own and needs no list yet. It fails if the service's name
// is illegal (a *registry.FieldError) or w refuses to watch.
func New(w registry.Watcher, s registry.Service, e policy.Ejection, opts ...Option) (*Resolver, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	r := &Resolver{
		service:  s,
		ejection: e.WithDefaults(),
		balancer: RoundRobin(),
		observer: event.Discard{},
		began:    time.Now(),
		done:     make(chan struct{}),
		clients:  map[*Client]struct{}{},
	}
	for _, o := range opts {
		o(r)
	}
	r.view.Store(&view{superseded: make(chan struct{})})
	stop, err := w.Watch(context.Background(), s, r.update)
	if err != nil {
		return nil, err
	}
	r.stop = stop
	return r, nil
}

// Client makes a Client whose endpoints come from factory. The factory is called when an instance is first picked, once
// for each instance; after an error the instance is skipped for five seconds and then tried again.
func (r *Resolver) Client(factory sd.Factory, opts ...ClientOption) *Client {
	c := &Client{resolver: r, factory: factory}
	for _, o := range opts {
		o(c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		c.closed.Store(true)
	} else {
		r.clients[c] = struct{}{}
	}
	return c
}

// Wait returns when the first list has come, be it empty. Its error is a *PickError that wraps ctx's, or ErrClosed.
func (r *Resolver) Wait(ctx context.Context) error {
	for {
		v := r.current()
		if v.snapshot.Known() {
			return nil
		}
		if err := r.next(ctx, v); err != nil {
			return err
		}
	}
}

// await returns what an attempt picks from. It waits while nothing conclusive has been heard from the registry, and fails
// at once while the registry says that it knows nothing.
func (r *Resolver) await(ctx context.Context) (*view, error) {
	for {
		v := r.current()
		switch {
		case v.snapshot.Conclusive():
			return v, nil
		case v.snapshot.Err != nil:
			return nil, v.failed(r.service, v.snapshot.Err)
		}
		if err := r.next(ctx, v); err != nil {
			return nil, err
		}
	}
}

// next returns when v is no longer the current view.
func (r *Resolver) next(ctx context.Context, v *view) error {
	select {
	case <-v.superseded:
		return nil
	case <-ctx.Done():
		return v.failed(r.service, ctx.Err())
	case <-r.done:
		return v.failed(r.service, ErrClosed)
	}
}

// Close stops following the service and closes all Clients. It is idempotent. Calls in flight end on their own, and
// with the last one on an instance its closer runs. The error joins those of the closers that ran within Close.
func (r *Resolver) Close() error {
	var err error
	r.closeOnce.Do(func() { err = r.close() })
	return err
}

func (r *Resolver) close() error {
	r.stop()
	r.mu.Lock()
	r.closed = true
	clients := r.clients
	r.clients = nil
	r.mu.Unlock()
	close(r.done)
	r.feeds.Wait()
	return closeAll(clients)
}

// update takes over what the registry says. The Watcher calls it with one snapshot at a time.
func (r *Resolver) update(s registry.Snapshot) {
	gone, clients := r.accept(s)
	for _, n := range gone {
		n.gone.Store(true)
		for _, c := range clients {
			c.forget(n)
		}
	}
}

// accept shows s and returns the nodes that left the list, and the clients that may hold endpoints for them.
func (r *Resolver) accept(s registry.Snapshot) (gone []*Node, clients []*Client) {
	r.mu.Lock()
	defer r.mu.Unlock() // also when the balancer or the observer panics
	old := r.view.Load()
	if !s.Known() {
		kept := old.snapshot
		kept.Err = s.Err
		r.show(kept, old.nodes)
		return nil, nil
	}
	nodes, added, gone := merge(old.nodes, s.Instances)
	v := r.show(s, nodes)
	if added > 0 || len(gone) > 0 || v.usable != old.usable || s.Source != old.snapshot.Source {
		r.observer.Observe(event.InstancesChanged{
			Service: r.service.String(), Source: string(s.Source), Node: s.Node,
			Added: added, Removed: len(gone), Total: len(nodes), Usable: v.usable,
		})
	}
	if len(gone) > 0 {
		clients = slices.Collect(maps.Keys(r.clients))
	}
	return gone, clients
}

// elapsed is a monotonic clock.
func (r *Resolver) elapsed() time.Duration { return time.Since(r.began) }
