package nacostest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Node is one server of a cluster. All methods may be called at any time from any goroutine.
type Node struct {
	cluster *Cluster
	index   int
	port    int
	gate    *gate

	lifecycle sync.Mutex // held while the node starts or ends

	// guarded by cluster.mu
	run        *run // nil while the node is down
	life       int  // counts the runs: what an earlier one left elsewhere is a ghost
	publishers map[string]*publisher
	lastRef    map[serviceKey]uint64
	lastChange map[serviceKey]time.Time
	pushes     map[serviceKey]*pendingPush
	syncs      map[int]bool // peers that a replication is scheduled to
	persistent ledger[instanceKey, Instance]
	edits      ledger[instanceKey, edit]
	configs    ledger[configKey, config]
	requests   map[string]int
	faults     faults
	hung       bool
}

func newNode(c *Cluster, index int) *Node {
	n := &Node{cluster: c, index: index, gate: newGate(), requests: make(map[string]int)}
	n.faults.codes = make(map[string]*failure)
	n.forget()
	n.clear()
	return n
}

// forget loses what a process keeps in memory.
func (n *Node) forget() {
	n.publishers = make(map[string]*publisher)
	n.lastRef = make(map[serviceKey]uint64)
	n.lastChange = make(map[serviceKey]time.Time)
	n.pushes = make(map[serviceKey]*pendingPush)
	n.syncs = make(map[int]bool)
}

// clear loses what a process keeps on disk.
func (n *Node) clear() {
	n.persistent = make(ledger[instanceKey, Instance])
	n.edits = make(ledger[instanceKey, edit])
	n.configs = make(ledger[configKey, config])
}

// Addr returns the node's HTTP address, "127.0.0.1:port".
func (n *Node) Addr() string { return loopback(n.port) }

// GRPCAddr returns the node's gRPC address; its port is 1000 above the HTTP port.
func (n *Node) GRPCAddr() string { return loopback(n.port + grpcOffset) }

// Up reports whether the node's ports are open: it was not killed, or has been restarted.
func (n *Node) Up() bool {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	return n.run != nil
}

// Requests returns how many requests of a type the node has received over its whole life.
func (n *Node) Requests(requestType string) int {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	return n.requests[requestType]
}

// Connection is a client's registered gRPC connection to a node.
type Connection struct {
	ID         string
	RemoteAddr string
	Version    string            // the client's name and version as it says
	Labels     map[string]string // "module" is "naming" or "config"
}

// Connections returns the connections that the node holds, sorted by identity: a node without any is not in use.
func (n *Node) Connections() []Connection {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if n.run == nil {
		return nil
	}
	var all []Connection
	for _, c := range n.run.connections {
		all = append(all, Connection{ID: c.id, RemoteAddr: c.remote, Version: c.version, Labels: c.labels})
	}
	slices.SortFunc(all, func(a, b Connection) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Kill ends the node as kill -9 ends a server: its ports refuse connections, its connections are reset, and what it held
// in memory is lost. The other nodes keep its ephemeral instances as ghosts for a while. The ports stay the node's until
// the cluster is closed. Killing a dead node does nothing.
func (n *Node) Kill() {
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	c := n.cluster
	c.mu.Lock()
	r := n.run
	n.run = nil
	n.hung = false
	n.forget()
	c.mu.Unlock()
	if r == nil {
		return
	}
	c.settings.logger.Debug("node killed", "node", n.Addr())
	r.kill()
	n.gate.reopen()
}

// Restart starts a killed node on its old ports. With keepData it still has its configs, persistent instances and
// console edits; without, it has what the nodes that it is linked to give it. Ephemeral instances are never kept on
// disk. Faults set before stay set, apart from a hang. It is an error if the node is up.
func (n *Node) Restart(keepData bool) error {
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	c := n.cluster
	c.mu.Lock()
	if n.run != nil {
		c.mu.Unlock()
		return fmt.Errorf("nacostest: node %s is up", n.Addr())
	}
	if !keepData {
		n.clear()
	}
	c.mu.Unlock()
	c.settings.logger.Debug("node restarts", "node", n.Addr(), "data", keepData)
	return n.start()
}

// start opens the ports and serves. The caller sees to it that nothing else starts or ends the node.
func (n *Node) start() error {
	c := n.cluster
	var web, rpc net.Listener
	var err error
	if n.port == 0 {
		web, rpc, err = c.settings.network.listenPair()
	} else {
		web, rpc, err = c.settings.network.listenAt(n.port)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = web.Close()
		_ = rpc.Close()
		return errClosed
	}
	if n.port == 0 {
		n.port = web.Addr().(*net.TCPAddr).Port
	}
	n.life++
	n.load(time.Now())
	n.run = newRun(n, web, rpc)
	n.run.serve()
	n.catchUp()
	return nil
}

// Instances returns a service's instances as this node sees them, disabled ones included, sorted by address. An empty
// namespace and group are the default ones.
func (n *Node) Instances(namespace, group, service string) []Instance {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	all := n.view(newServiceKey(namespace, group, service))
	for i := range all {
		all[i] = all[i].clone()
	}
	return all
}

// Subscribers returns how many connections to this node are subscribed to a service.
func (n *Node) Subscribers(namespace, group, service string) int {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	return len(n.subscribers(newServiceKey(namespace, group, service)))
}
