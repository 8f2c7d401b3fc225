package nacostest

import (
	"context"
	"time"

	pb "github.com/nacos-group/nacos-sdk-go/v2/api/grpc"
	"google.golang.org/grpc/stats"
)

// transport is a TCP connection; what it registers as is keyed by it.
type transport struct {
	id, remote string
	registered *connection // guarded by cluster.mu
}

// connection is a transport on which a client has set itself up.
type connection struct {
	id, remote string
	run        *run
	version    string
	labels     map[string]string
	wake       chan struct{} // something is in the outbox
	done       chan struct{} // closed when the connection has ended

	// guarded by cluster.mu
	outbox        []*pb.Payload
	subscriptions map[serviceKey]string // → clusters
	listens       map[configKey]struct{}
	unanswered    map[string]serviceKey // request id of a service push → what was pushed
	lastActive    time.Time
	askedAt       time.Time // for a sign of life; zero when none is owed
}

// send queues a payload for the stream. The cluster's lock is held.
func (c *connection) send(p *pb.Payload) {
	c.outbox = append(c.outbox, p)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// take empties the outbox.
func (c *connection) take() []*pb.Payload {
	mu := &c.run.node.cluster.mu
	mu.Lock()
	defer mu.Unlock()
	out := c.outbox
	c.outbox = nil
	return out
}

const detectionTimeout = 5 * time.Second // at most, for an answer to the question whether a client is there

type transportKey struct{}

func transportOf(ctx context.Context) *transport {
	t, _ := ctx.Value(transportKey{}).(*transport)
	return t
}

// transports tells when TCP connections begin and end.
type transports struct{ run *run }

func (t transports) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, transportKey{}, &transport{id: connectionID(info.RemoteAddr), remote: info.RemoteAddr.String()})
}

func (t transports) HandleConn(ctx context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); !ok {
		return
	}
	c := t.run.node.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if tr := transportOf(ctx); tr != nil && tr.registered != nil {
		t.run.disconnected(tr.registered)
	}
}

func (t transports) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (t transports) HandleRPC(context.Context, stats.RPCStats)                       {}

// disconnected forgets a connection and withdraws what it published. The cluster's lock is held.
func (r *run) disconnected(c *connection) {
	if r.connections[c.id] != c {
		return
	}
	delete(r.connections, c.id)
	close(c.done)
	if r.alive() {
		r.node.withdraw(c.id)
		r.node.cluster.settings.logger.Debug("connection ended", "node", r.node.Addr(), "connection", c.id)
	}
}

// heard notes a sign of life. The cluster's lock is held.
func (c *connection) heard(now time.Time) { c.lastActive, c.askedAt = now, time.Time{} }

// detectIdle asks silent clients for a sign of life and drops those that owe one. The cluster's lock is held.
func (n *Node) detectIdle(now time.Time) {
	limit := n.cluster.settings.idleAfter
	for _, c := range n.run.connections {
		switch {
		case c.askedAt.IsZero() && now.Sub(c.lastActive) >= limit:
			c.askedAt = now
			c.send(encode("ClientDetectionRequest", newInternalRequest(n.cluster)))
		case !c.askedAt.IsZero() && now.Sub(c.askedAt) >= min(limit, detectionTimeout):
			n.run.rpc.drop(c.remote)
		}
	}
}
