package nacossdk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

const (
	verifyEvery = 10 * time.Second       // at most; jittered down to half of it
	settleTime  = 3 * time.Second        // until a server's list must show what it has accepted
	retryWithin = 2 * time.Second        // full jitter, after a failure
	refusedWait = 10 * time.Second       // full jitter, after a refusal
	idle        = 24 * time.Hour         // nothing to do but to wait to be woken
	retryFloor  = 100 * time.Millisecond // so that jitter never comes to a storm
)

// naming drives the servers to what has been declared and subscribed in one namespace; one, because a push does not say
// of which it is. One goroutine, run, speaks with the servers, but for their HTTP interface; everybody else changes the
// declared state and wakes it.
type naming struct {
	conn      registry.Connection
	namespace string
	link      *link
	observer  event.Observer
	loop      loop
	work      sync.WaitGroup

	mu            sync.Mutex
	closed        bool
	declarations  map[registry.Service]*declaration
	subscriptions map[registry.Service]*subscription
}

func newNaming(conn registry.Connection, servers []registry.Server, namespace string, o options) *naming {
	n := &naming{
		conn: conn, namespace: namespace, observer: o.observer, loop: newLoop(),
		declarations:  make(map[registry.Service]*declaration),
		subscriptions: make(map[registry.Service]*subscription),
	}
	h := handlers{
		module: constant.LABEL_MODULE_NAMING,
		pushes: []push{{
			empty: func() rpc_request.IRequest {
				return &rpc_request.NotifySubscriberRequest{NamingRequest: rpc_request.NewNamingRequest("", "", "")}
			},
			handle: n.pushed,
		}},
	}
	n.link = newLink(conn, servers, h, o.observer, o.logger, n.loop.rouse)
	n.link.run()
	n.work.Go(n.run)
	return n
}

func (n *naming) close() {
	n.mu.Lock()
	n.closed = true
	for _, s := range n.subscriptions {
		for box := range s.boxes {
			box.Stop()
		}
	}
	n.mu.Unlock()
	n.link.close()
	n.work.Wait()
}

func (n *naming) run() {
	n.loop.run(n.link.ctx.Done(), n.step)
	n.abandon(registry.ErrClosed)
}

// step does what is due and returns the time until the next thing is.
func (n *naming) step() time.Duration {
	state, _ := n.link.current()
	switch state.phase {
	case down:
		n.abandon(state.err)
		n.interrupted(state.err)
		return idle
	case connecting:
		return idle
	}
	declarations, subscriptions, wait := n.due(state.epoch)
	for _, d := range declarations {
		n.attend(d, state)
	}
	for _, s := range subscriptions {
		n.follow(s, state)
	}
	if len(declarations)+len(subscriptions) > 0 {
		return 0 // more may have come up meanwhile
	}
	return wait
}

func (n *naming) due(epoch uint64) (declarations []*declaration, subscriptions []*subscription, wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	next := now.Add(idle)
	for _, d := range n.declarations {
		switch {
		case d.busy:
		case d.epoch != epoch || !now.Before(d.due):
			declarations = append(declarations, d)
		case d.due.Before(next):
			next = d.due
		}
	}
	for _, s := range n.subscriptions {
		if s.epoch != epoch && s.failures == 0 || !now.Before(s.due) {
			subscriptions = append(subscriptions, s)
		} else if s.due.Before(next) {
			next = s.due
		}
	}
	return declarations, subscriptions, next.Sub(now)
}

// query asks the connected server for a service's list.
func (n *naming) query(s registry.Service) (*rpc_response.QueryServiceResponse, error) {
	response, err := n.link.request(n.link.ctx, rpc_request.NewServiceQueryRequest(s.Namespace, s.Name, s.Group, "", false, 0))
	if err != nil {
		return nil, err
	}
	answer, ok := response.(*rpc_response.QueryServiceResponse)
	if !ok {
		return nil, unexpected(response)
	}
	return answer, nil
}

func unexpected(r rpc_response.IResponse) error {
	return fmt.Errorf("nacossdk: %w: unexpected answer %s", registry.ErrUnavailable, r.GetResponseType())
}

// awaitOutcome waits for what becomes of a declaration, which lives on when the caller leaves.
func (n *naming) awaitOutcome(ctx context.Context, c *change) error {
	ctx, cancel := bounded(ctx, n.conn.RequestTimeout+time.Second)
	defer cancel()
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.cause != nil {
		return fmt.Errorf("%w (%w)", c.cause, ctx.Err())
	}
	return fmt.Errorf("nacossdk: %w: no server has answered yet: %w", registry.ErrUnavailable, ctx.Err())
}

// between returns a random time from half of d to d.
func between(d time.Duration) time.Duration { return d/2 + rand.N(d/2) }

// within returns a random time up to d.
func within(d time.Duration) time.Duration { return max(rand.N(d), retryFloor) }
