package resolver

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/event"
)

// factoryPause is the time for which an instance is skipped after its factory failed.
const factoryPause = 5 * time.Second

// bound is the endpoint of a client for an instance.
//
// It is made by the first attempt that picks the instance; others that come meanwhile wait for it. It is held by the
// client, from then until the instance leaves the list or the client is closed, and by each attempt that uses it.
// The last to let go runs the closer.
type bound struct {
	client *Client
	node   *Node
	holds  atomic.Int64 // 0: closed, for good

	made  atomic.Bool   // the rest can be read
	ready chan struct{} // closed when made

	endpoint endpoint.Endpoint
	closer   io.Closer
	err      error         // the factory's
	retryAt  time.Duration // after err, on the resolver's clock
}

// bind returns the endpoint for n, which the caller ends, or the reason why there is none.
func (c *Client) bind(ctx context.Context, n *Node) (*bound, error) {
	for {
		found, ok := c.bound.Load(n)
		if !ok {
			b := &bound{client: c, node: n, ready: make(chan struct{})}
			b.holds.Store(2) // the client's and the attempt's
			if _, lost := c.bound.LoadOrStore(n, b); lost {
				continue
			}
			b.make()
			if n.gone.Load() || c.closed.Load() { // whoever saw to that may have come before the bound was stored
				_ = c.drop(b)
			}
			return b.orError()
		}
		b := found.(*bound)
		if !b.hold() {
			continue // it was dropped since
		}
		if err := b.wait(ctx); err != nil {
			_ = b.release()
			return nil, err
		}
		if b.err == nil || c.resolver.elapsed() < b.retryAt {
			return b.orError()
		}
		_ = c.drop(b)
		_ = b.release()
	}
}

// serves reports whether an endpoint for n can be had.
func (c *Client) serves(n *Node) bool {
	if c.failing.Load() == 0 {
		return true
	}
	found, ok := c.bound.Load(n)
	if !ok {
		return true
	}
	b := found.(*bound)
	return !b.made.Load() || b.err == nil || c.resolver.elapsed() >= b.retryAt
}

// factoryError returns one, if there is any.
func (c *Client) factoryError() (err error) {
	if c.failing.Load() == 0 {
		return nil
	}
	c.bound.Range(func(_, value any) bool {
		if b := value.(*bound); b.made.Load() {
			err = b.err
		}
		return err == nil
	})
	return err
}

// forget drops what the client holds for n.
func (c *Client) forget(n *Node) {
	if found, ok := c.bound.Load(n); ok {
		_ = c.drop(found.(*bound))
	}
}

// drop ends the client's hold on b, if nobody has done so before.
func (c *Client) drop(b *bound) error {
	if !c.bound.CompareAndDelete(b.node, b) {
		return nil
	}
	return b.release()
}

func (b *bound) make() {
	if b.err = b.client.manufacture(b); b.err != nil {
		r := b.client.resolver
		b.retryAt = r.elapsed() + factoryPause
		b.client.failing.Add(1)
		r.observer.Observe(event.FactoryFailed{Service: r.service.String(), Instance: b.node.addr, Cause: b.err})
	}
	b.made.Store(true)
	close(b.ready)
}

func (b *bound) wait(ctx context.Context) error {
	if b.made.Load() {
		return nil
	}
	select {
	case <-b.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// orError gives the attempt's hold back if there is no endpoint to call.
func (b *bound) orError() (*bound, error) {
	if b.err == nil {
		return b, nil
	}
	err := b.err
	_ = b.release()
	return nil, err
}

// end ends an attempt's use.
func (b *bound) end() {
	b.node.inFlight.Add(-1)
	_ = b.release()
}

// hold fails if the last hold has ended.
func (b *bound) hold() bool {
	for {
		held := b.holds.Load()
		if held == 0 {
			return false
		}
		if b.holds.CompareAndSwap(held, held+1) {
			return true
		}
	}
}

func (b *bound) release() error {
	if b.holds.Add(-1) > 0 {
		return nil
	}
	if b.err != nil {
		b.client.failing.Add(-1)
	}
	if b.closer == nil {
		return nil
	}
	return b.client.resolver.shut(b.closer)
}

func (r *Resolver) shut(closer io.Closer) (err error) {
	defer r.catch("closer", &err)
	return closer.Close()
}

// catch, deferred, turns a panic of the user's code into an error.
func (r *Resolver) catch(what string, err *error) {
	if v := recover(); v != nil {
		r.observer.Observe(event.Panicked{Where: what + " of " + r.service.String(), Value: v, Stack: debug.Stack()})
		*err = fmt.Errorf("resolver: %s panicked: %v", what, v)
	}
}
