package nacostest

import (
	"maps"
	"slices"
	"time"
)

// emptyServiceExpiry is how long a service without instances is still listed, as on the Java server.
const emptyServiceExpiry = time.Minute

// publisher is what one client has published, as a node knows it: its own client's or a replica.
type publisher struct {
	id       string
	node     int // that the client is connected to
	life     int // of that node
	revision uint64
	services map[serviceKey][]Instance // the slices are never changed
	renewed  time.Time                 // when its own node last vouched for it
}

func (p *publisher) clone() *publisher {
	q := *p
	q.services = maps.Clone(p.services)
	return &q
}

// edit is what somebody set in the console: it overrides what the client registers.
type edit struct {
	weight   float64
	enabled  bool
	metadata map[string]string
}

func (e edit) apply(i Instance) Instance {
	i.Weight, i.Enabled = e.weight, e.enabled
	if len(e.metadata) > 0 {
		merged := make(map[string]string, len(i.Metadata)+len(e.metadata))
		maps.Copy(merged, i.Metadata)
		maps.Copy(merged, e.metadata)
		i.Metadata = merged
	}
	return i
}

// The cluster's lock is held for everything below.

// publish replaces what one of the node's own clients publishes of a service; nothing means it publishes it no more.
func (n *Node) publish(client string, key serviceKey, instances []Instance) {
	p := n.publishers[client]
	if p == nil {
		if len(instances) == 0 {
			return
		}
		p = &publisher{id: client, node: n.index, life: n.life, services: make(map[serviceKey][]Instance)}
		n.publishers[client] = p
	}
	if p.node != n.index || p.life != n.life { // registered over HTTP on another node, or before this one was restarted
		p = p.clone()
		p.node, p.life = n.index, n.life
		n.publishers[client] = p
	}
	if len(instances) == 0 {
		if _, ok := p.services[key]; !ok {
			return
		}
		delete(p.services, key)
	} else {
		p.services[key] = instances
	}
	p.revision = n.cluster.nextRevision()
	if len(p.services) == 0 {
		delete(n.publishers, client)
	}
	n.changed(key)
	n.tellAll()
}

// withdraw removes all that a client published.
func (n *Node) withdraw(client string) {
	p := n.publishers[client]
	if p == nil {
		return
	}
	delete(n.publishers, client)
	for key := range p.services {
		n.changed(key)
	}
	n.tellAll()
}

// view is a service as the node sees it, sorted.
func (n *Node) view(key serviceKey) []Instance {
	var all []Instance
	for _, p := range n.publishers {
		all = append(all, p.services[key]...)
	}
	for k := range n.persistent {
		if k.service != key {
			continue
		}
		if i, ok := n.persistent.value(k); ok {
			all = append(all, i)
		}
	}
	for j, i := range all {
		if e, ok := n.edits.value(key.instance(i)); ok {
			all[j] = e.apply(i)
		}
	}
	return unite(all)
}

// services lists a namespace's services of a group: those that have instances, and had some until lately.
func (n *Node) services(namespace, group string) []string {
	names := make(map[string]bool)
	add := func(k serviceKey) {
		if k.namespace == namespace && k.group == group {
			names[k.name] = true
		}
	}
	for _, p := range n.publishers {
		for k := range p.services {
			add(k)
		}
	}
	for k, e := range n.persistent {
		if !e.removed {
			add(k.service)
		}
	}
	for k, at := range n.lastChange {
		if time.Since(at) < emptyServiceExpiry {
			add(k)
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (n *Node) exists(key serviceKey) bool {
	at, changed := n.lastChange[key]
	return changed && time.Since(at) < emptyServiceExpiry || len(n.view(key)) > 0
}

// kind refuses what would mix ephemeral and persistent instances in one service.
func (n *Node) kind(key serviceKey, ephemeral bool) error {
	for _, i := range n.view(key) {
		if i.Ephemeral != ephemeral {
			kinds := map[bool]string{true: "ephemeral", false: "persistent"}
			return refuse(codeInvalidParam, "Current service %s is %s service, can't register %s instance.",
				key.grouped(), kinds[i.Ephemeral], kinds[ephemeral])
		}
	}
	return nil
}

func (n *Node) setPersistent(key serviceKey, i Instance) {
	n.persistent.put(key.instance(i), i, n.cluster.nextRevision())
	n.changed(key)
	n.tellAll()
}

// removePersistent is also noted where the instance is not known: it may be on its way.
func (n *Node) removePersistent(k instanceKey) {
	n.persistent.remove(k, n.cluster.nextRevision())
	n.changed(k.service)
	n.tellAll()
}

func (n *Node) setEdit(k instanceKey, e edit) {
	n.edits.put(k, e, n.cluster.nextRevision())
	n.touch(k.service)
	n.schedulePush(k.service, nil)
	n.tellAll()
}
