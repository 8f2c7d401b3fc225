package resolver

import (
	"cmp"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/registry"
)

// Node is an instance with what is known of its work. It is the same one for as long as the instance (its address and
// cluster) stays in the list, whatever becomes of its weight. Its methods may be called by many goroutines at once.
type Node struct {
	addr, cluster string

	instance atomic.Pointer[registry.Instance] // as the latest snapshot has it
	inFlight atomic.Int64
	failures atomic.Int64 // in a row
	out      atomic.Int64 // ejected until then, on the resolver's clock; 0: not ejected
	gone     atomic.Bool  // left the list

	// What follows is guarded by the resolver's mutex.
	ejections  int           // in a row
	returnedAt time.Duration // from the last ejection
}

func newNode(i *registry.Instance) *Node {
	n := &Node{addr: i.Addr, cluster: i.Cluster}
	n.instance.Store(i)
	return n
}

// Addr is the instance's address.
func (n *Node) Addr() string { return n.addr }

// Weight is the share of the traffic that the instance should get in relation to the others. That of a candidate is above 0.
func (n *Node) Weight() float64 { return n.instance.Load().Weight }

// InFlight is the number of calls under way, of all clients of the service.
func (n *Node) InFlight() int { return int(n.inFlight.Load()) }

// Failures is the number of failed calls since the last good one.
func (n *Node) Failures() int { return int(n.failures.Load()) }

// Instance is what the registry says of the instance. Its Metadata must not be written to.
func (n *Node) Instance() registry.Instance { return *n.instance.Load() }

func (n *Node) usable() bool { return n.instance.Load().Usable() }

func (n *Node) compare(i *registry.Instance) int {
	if n.addr == i.Addr && n.cluster == i.Cluster { // nearly always
		return 0
	}
	return cmp.Or(cmp.Compare(n.addr, i.Addr), cmp.Compare(n.cluster, i.Cluster))
}

// merge makes the nodes of list, keeping those of old that are still in it. Both are in the order of a Snapshot.
func merge(old []*Node, list []registry.Instance) (nodes []*Node, added int, gone []*Node) {
	nodes = make([]*Node, 0, len(list))
	for i := range list {
		instance := &list[i]
		for len(old) > 0 && old[0].compare(instance) < 0 {
			gone = append(gone, old[0])
			old = old[1:]
		}
		if len(old) > 0 && old[0].compare(instance) == 0 {
			old[0].instance.Store(instance)
			nodes = append(nodes, old[0])
			old = old[1:]
			continue
		}
		nodes = append(nodes, newNode(instance))
		added++
	}
	return nodes, added, append(gone, old...)
}
