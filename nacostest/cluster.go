package nacostest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// Cluster is a set of Nacos nodes in this process. All methods may be called at any time from any goroutine.
type Cluster struct {
	settings settings
	nodes    []*Node

	mu       sync.Mutex // guards what follows and the state of every node
	closed   bool
	revision uint64
	cuts     map[link]bool
	timers   map[*time.Timer]struct{}
	tokens   map[string]time.Time // login token → expiry
	password string
	running  sync.WaitGroup // timers that will still run
}

// NewCluster starts a cluster for a test, which fails if that is not possible, and closes it at the test's end. Push
// and replication delays are those of [FastForTests] unless an option says otherwise.
func NewCluster(tb testing.TB, nodes int, opts ...Option) *Cluster {
	tb.Helper()
	c, err := Start(nodes, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// Start starts a cluster of the given number of nodes outside a test. The caller closes it.
func Start(nodes int, opts ...Option) (*Cluster, error) {
	if nodes < 1 {
		return nil, fmt.Errorf("nacostest: %d nodes: a cluster has at least one", nodes)
	}
	c := &Cluster{
		settings: newSettings(opts),
		cuts:     make(map[link]bool),
		timers:   make(map[*time.Timer]struct{}),
		tokens:   make(map[string]time.Time),
	}
	c.password = c.settings.password
	for i := range nodes {
		c.nodes = append(c.nodes, newNode(c, i))
	}
	for _, n := range c.nodes {
		if err := n.start(); err != nil {
			c.Close()
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after(c.settings.verifyEvery, c.verify)
	return c, nil
}

// Close ends all nodes and returns when nothing of them is running any more. Further calls do nothing.
func (c *Cluster) Close() {
	c.mu.Lock()
	c.closed = true
	for t := range c.timers {
		if t.Stop() {
			c.running.Done()
		}
		delete(c.timers, t)
	}
	c.mu.Unlock()
	c.settings.network.close()
	for _, n := range c.nodes {
		n.Kill()
	}
	c.running.Wait()
}

// Addrs returns the nodes' HTTP addresses, as "127.0.0.1:port", of living and dead ones. The gRPC port is 1000 higher.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = n.Addr()
	}
	return addrs
}

// Node returns the node with the given number, counted from 0.
func (c *Cluster) Node(i int) *Node { return c.nodes[i] }

// Nodes returns all nodes.
func (c *Cluster) Nodes() []*Node { return append([]*Node(nil), c.nodes...) }

// Requests returns how many requests of a type, such as "InstanceRequest", all nodes have received, whatever they
// answered.
func (c *Cluster) Requests(requestType string) int {
	total := 0
	for _, n := range c.nodes {
		total += n.Requests(requestType)
	}
	return total
}

var errClosed = errors.New("nacostest: the cluster is closed")

// nextRevision numbers a change. The cluster's lock is held.
func (c *Cluster) nextRevision() uint64 {
	c.revision++
	return c.revision
}

// after runs do once the time has passed, unless the cluster is closed before. The cluster's lock is held, by the
// caller now and for do later.
func (c *Cluster) after(d time.Duration, do func()) {
	if c.closed {
		return
	}
	c.running.Add(1)
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		defer c.running.Done()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.timers, t)
		if !c.closed {
			do()
		}
	})
	c.timers[t] = struct{}{}
}

// verify is the nodes' regular housekeeping.
func (c *Cluster) verify() {
	now := time.Now()
	for _, n := range c.nodes {
		if n.run != nil && !n.hung {
			n.expireGhosts(now)
			n.detectIdle(now)
		}
	}
	c.after(c.settings.verifyEvery, c.verify)
}
