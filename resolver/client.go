package resolver

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/sd"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

// Client calls the instances of a service through endpoints of its own, one for each instance.
type Client struct {
	resolver *Resolver
	factory  sd.Factory
	wraps    []endpoint.Middleware
	classify policy.Classifier

	bound   sync.Map     // *Node → *bound
	failing atomic.Int64 // how many of the bound have no endpoint, because the factory failed
	closed  atomic.Bool
}

// ClientOption is a collaborator of a Client.
type ClientOption func(*Client)

// Wrap puts mw around the endpoint of each instance, once for each. Of several, the first is the outermost.
func Wrap(mw endpoint.Middleware) ClientOption {
	return func(c *Client) { c.wraps = append(c.wraps, mw) }
}

// Classify says how the outcome of a call is judged. Default: policy.Classify.
func Classify(classify policy.Classifier) ClientOption {
	return func(c *Client) { c.classify = classify }
}

// Endpoint sends each call to an instance. When there is none it fails with a *PickError; a call that is made before the
// first list has come waits for it, as long as its context allows. It makes one attempt: middleware that repeats it for
// the same call gets another instance each time, and the same only when all have been tried and the last one was not
// reached or declined to work.
func (c *Client) Endpoint() endpoint.Endpoint { return c.call }

func (c *Client) call(ctx context.Context, request any) (any, error) {
	ctx, state := call.Ensure(ctx)
	if _, judged := state.Verdict(); judged { // by an attempt before, and whoever repeats it has not said so
		state.Next()
	}
	b, err := c.pick(ctx, state)
	if err != nil {
		state.Judge(ctx, nil, err, nil)
		return nil, err
	}
	b.node.inFlight.Add(1)
	defer b.end()
	response, err := b.endpoint(ctx, request)
	c.resolver.report(b.node, state.Judge(ctx, response, err, c.classify).Outcome)
	return response, err
}

// pick chooses an instance for the attempt and notes it in the state. The caller ends what it gets.
func (c *Client) pick(ctx context.Context, state *call.State) (*bound, error) {
	if c.closed.Load() {
		return nil, c.resolver.view.Load().failed(c.resolver.service, ErrClosed)
	}
	v, err := c.resolver.await(ctx)
	if err != nil {
		return nil, err
	}
	a := Attempt{state: state, client: c}
	cause := v.snapshot.Err
	for range v.nodes { // each turn but the last finds one without an endpoint
		n := v.pick(a)
		if n == nil && state.AnyTried() && !a.again {
			a.again = true
			n = v.pick(a)
			if last, lastErr := state.Last(); n != nil && !last.Outcome.SameInstance() {
				failed := v.failed(c.resolver.service, lastErr)
				failed.AllTried = true
				return nil, failed
			}
		}
		if n == nil {
			cause = cmp.Or(c.factoryError(), cause)
			break
		}
		b, err := c.bind(ctx, n)
		if err == nil {
			if a.again {
				state.Forgive(n.addr)
			}
			state.Chose(n.addr, v.candidates)
			return b, nil
		}
		cause = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, v.failed(c.resolver.service, cause)
}

// Close gives up all endpoints: the closer of each runs once, now or with the end of the last call in flight on it. Calls
// that begin afterwards fail with ErrClosed. It is idempotent. The error joins those of the closers that ran now.
func (c *Client) Close() error {
	c.resolver.mu.Lock()
	delete(c.resolver.clients, c)
	c.resolver.mu.Unlock()
	c.closed.Store(true)
	var errs []error
	c.bound.Range(func(_, value any) bool {
		errs = append(errs, c.drop(value.(*bound)))
		return true
	})
	return errors.Join(errs...)
}

func closeAll(clients map[*Client]struct{}) error {
	var errs []error
	for c := range clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// manufacture makes an endpoint for the instance. A panic of the user's code is an error.
func (c *Client) manufacture(b *bound) (err error) {
	defer c.resolver.catch("factory", &err)
	made, closer, err := c.factory(b.node.addr)
	if err != nil {
		return err
	}
	if made == nil {
		return errors.New("resolver: the factory made no endpoint")
	}
	b.closer = closer
	made = leave(made)
	for _, wrap := range slices.Backward(c.wraps) {
		made = wrap(made)
	}
	b.endpoint = made
	return nil
}

// leave lets the stages that an endpoint uses itself begin calls of their own.
func leave(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		if state := call.From(ctx); state != nil {
			ctx = state.Leave(ctx)
		}
		return next(ctx, request)
	}
}
