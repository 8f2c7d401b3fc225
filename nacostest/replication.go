package nacostest

import (
	"slices"
	"time"
)

// link is a pair of nodes, the lower number first.
type link struct{ a, b int }

func newLink(i, j int) link { return link{min(i, j), max(i, j)} }

// Cut separates two nodes: neither hears of the other's changes. After the ghost expiry each drops the other's
// ephemeral instances.
func (c *Cluster) Cut(i, j int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cuts[newLink(i, j)] = true
}

// Join ends a cut; each node hears what it missed.
func (c *Cluster) Join(i, j int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.cuts, newLink(i, j))
	c.nodes[i].tell(j)
	c.nodes[j].tell(i)
}

// The cluster's lock is held for everything below.

// linked reports whether a node can tell another one something.
func (c *Cluster) linked(i, j int) bool {
	a, b := c.nodes[i], c.nodes[j]
	return i != j && a.run != nil && b.run != nil && !a.hung && !b.hung && !c.cuts[newLink(i, j)]
}

// tellAll lets the other nodes know of a change.
func (n *Node) tellAll() {
	for _, peer := range n.cluster.nodes {
		if peer != n {
			n.tell(peer.index)
		}
	}
}

// catchUp exchanges what was missed in both directions.
func (n *Node) catchUp() {
	n.tellAll()
	for _, peer := range n.cluster.nodes {
		if peer != n {
			peer.tell(n.index)
		}
	}
}

// tell replicates the node's state to a peer after the sync delay, together with whatever changes until then.
func (n *Node) tell(peer int) {
	if n.syncs[peer] || n.run == nil {
		return
	}
	n.syncs[peer] = true
	r := n.run
	n.cluster.after(n.cluster.settings.syncDelay, func() {
		if !r.alive() {
			return
		}
		delete(n.syncs, peer)
		if n.cluster.linked(n.index, peer) {
			n.cluster.nodes[peer].hear(n)
		}
	})
}

// hear takes over what another node says of its own clients, and of what is kept on disk.
func (n *Node) hear(from *Node) {
	now := time.Now()
	touched := make(map[serviceKey]bool)
	for id, theirs := range from.publishers {
		if theirs.node == from.index && theirs.life == from.life {
			n.adopt(id, theirs, now, touched)
		}
	}
	for id, ours := range n.publishers {
		if ours.node == from.index && ours.life == from.life && from.publishers[id] == nil {
			delete(n.publishers, id)
			for key := range ours.services {
				touched[key] = true
			}
		}
	}
	n.hearDisk(from, touched)
	for key := range touched {
		n.changed(key)
	}
}

func (n *Node) adopt(id string, theirs *publisher, now time.Time, touched map[serviceKey]bool) {
	ours := n.publishers[id]
	if ours != nil && ours.revision >= theirs.revision {
		ours.renewed = now
		return
	}
	copied := theirs.clone()
	copied.renewed = now
	n.publishers[id] = copied
	for key, instances := range copied.services {
		if ours == nil || !slices.EqualFunc(ours.services[key], instances, Instance.same) {
			touched[key] = true
		}
	}
	if ours != nil {
		for key := range ours.services {
			if _, still := copied.services[key]; !still {
				touched[key] = true
			}
		}
	}
}

func (n *Node) hearDisk(from *Node, touched map[serviceKey]bool) {
	n.persistent.merge(from.persistent, func(k instanceKey, _ Instance) { touched[k.service] = true })
	n.edits.merge(from.edits, func(k instanceKey, _ edit) { touched[k.service] = true })
	n.configs.merge(from.configs, func(k configKey, was config) {
		if is, _ := n.configs.value(k); is.md5 != was.md5 {
			n.notifyConfig(k)
		}
	})
}

// load is what a starting node asks of those that it is linked to: all they know, ghosts included.
func (n *Node) load(now time.Time) {
	touched := make(map[serviceKey]bool)
	for _, peer := range n.cluster.nodes {
		if peer == n || peer.run == nil || peer.hung || n.cluster.cuts[newLink(n.index, peer.index)] {
			continue
		}
		for id, theirs := range peer.publishers {
			n.adopt(id, theirs, now, touched)
		}
		n.hearDisk(peer, touched)
	}
}

// expireGhosts drops the ephemeral instances of nodes not heard of for long.
func (n *Node) expireGhosts(now time.Time) {
	for id, p := range n.publishers {
		if p.node == n.index && p.life == n.life {
			continue
		}
		owner := n.cluster.nodes[p.node]
		if n.cluster.linked(owner.index, n.index) && owner.life == p.life {
			p.renewed = now
			continue
		}
		if now.Sub(p.renewed) >= n.cluster.settings.ghostExpiry {
			delete(n.publishers, id)
			for key := range p.services {
				n.changed(key)
			}
		}
	}
}
