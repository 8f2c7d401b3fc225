package nacossdk

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
)

type phase int

const (
	connecting phase = iota // no connection yet, or lost a moment ago
	up
	down // no server can be reached, and we know it
)

// linkState is what a link knows of its connection.
type linkState struct {
	phase phase
	node  string
	epoch uint64 // grows with each new connection: what the server knew of the last one, it has forgotten
	err   error  // when down; wraps registry.ErrUnavailable

	// outages grows with each connection before which there was none to any server: we had been down, or the last one was
	// lost and this one is to the same server, which may have restarted.
	outages uint64
}

// link keeps one connection of the SDK alive: it watches over an sdkClient and replaces it when it is stuck.
type link struct {
	conn     registry.Connection
	servers  []registry.Server
	handlers handlers
	observer event.Observer
	logger   *slog.Logger
	changed  func() // the state has changed; must return at once

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	renew  chan string
	jobs   chan job
	work   sync.WaitGroup

	forsaken atomic.Bool // since the last replacement, something was taken back that is registered over what was replaced

	mu       sync.Mutex
	state    linkState
	settled  chan struct{} // closed at the next change of state
	client   *sdkClient
	serving  *sdkClient // nil, or on which a request waits for its answer
	identity string
	lastNode string
	sinceUp  time.Time
}

func newLink(conn registry.Connection, servers []registry.Server, h handlers, o event.Observer, l *slog.Logger, changed func()) *link {
	ctx, cancel := context.WithCancel(context.Background())
	k := &link{
		conn: conn, servers: servers, handlers: h, observer: o, logger: l, changed: changed,
		ctx: ctx, cancel: cancel,
		wake: make(chan struct{}, 1), renew: make(chan string, 1), jobs: make(chan job), settled: make(chan struct{}),
	}
	k.handlers.reset = func() { k.replace("the server asked to move") }
	return k
}

func (k *link) run() {
	k.work.Go(k.supervise)
	k.work.Go(k.serve)
}

func (k *link) close() {
	k.cancel()
	k.work.Wait()
}

// current returns the state, and a channel that is closed when it changes.
func (k *link) current() (linkState, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state, k.settled
}

// uses reports whether c is the client in use.
func (k *link) uses(c *sdkClient) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.client == c
}

func (k *link) serves(c *sdkClient) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.serving == c
}

// forsake ends a connection that has been replaced and still holds what was registered over it.
func (k *link) forsake() {
	k.forsaken.Store(true)
	k.rouse()
}

// rouse has the supervisor look at once.
func (k *link) rouse() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// replace asks for a new sdkClient, on another server if there is one. The old one serves until the new one is connected.
func (k *link) replace(reason string) {
	select {
	case k.renew <- reason:
	default:
	}
}

func (k *link) connected(c *sdkClient) {
	identity, node := c.identity()
	k.mu.Lock()
	if k.state.phase == up && k.identity == identity {
		k.mu.Unlock()
		return
	}
	before := k.state
	state := linkState{phase: up, node: node, epoch: before.epoch, outages: before.outages}
	fresh := identity != k.identity
	if fresh {
		state.epoch++
		k.sinceUp = time.Now()
	}
	lost := fresh && before.epoch > 0 && (before.phase != up || k.client == c) // not replaced by one that already stood
	if before.phase == down || lost && node == k.lastNode {
		state.outages++
	}
	k.identity, k.lastNode, k.client = identity, node, c
	k.set(state)
	k.mu.Unlock()
	if before.phase == up {
		k.observer.Observe(event.NodeChanged{Node: before.node})
	}
	k.observer.Observe(event.NodeChanged{Node: node, Up: true})
	k.changed()
}

func (k *link) disconnected(c *sdkClient) {
	k.mu.Lock()
	before := k.state
	if before.phase != up {
		k.mu.Unlock()
		return
	}
	k.set(linkState{phase: connecting, epoch: before.epoch, outages: before.outages})
	k.mu.Unlock()
	c.lost()
	k.observer.Observe(event.NodeChanged{Node: before.node, Cause: fmt.Errorf("connection lost: %s", c.lastFailure())})
	k.changed()
}

func (k *link) unreachable(why error) {
	k.observer.Observe(event.RegistryUnreachable{Subject: k.handlers.subject(), Cause: why})
	k.mu.Lock()
	before := k.state
	err := fmt.Errorf("nacossdk: %w: %w", registry.ErrUnavailable, why)
	if before.phase == down && before.err.Error() == err.Error() {
		k.mu.Unlock()
		return
	}
	k.set(linkState{phase: down, epoch: before.epoch, err: err, outages: before.outages})
	k.mu.Unlock()
	k.changed()
}

// set is called with the lock held.
func (k *link) set(s linkState) {
	k.state = s
	close(k.settled)
	k.settled = make(chan struct{})
}
