package nacostest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

const pushRetryDelay = time.Second // after the time for an answer has run out

// pendingPush gathers who is to hear of a service.
type pendingPush struct {
	all  bool
	some map[*connection]bool
}

// The cluster's lock is held for everything here.

// touch notes that a service changed: its reference time grows, also within one millisecond.
func (n *Node) touch(key serviceKey) {
	n.lastRef[key] = max(uint64(time.Now().UnixMilli()), n.lastRef[key]+1)
}

// changed notes that a service changed and lets its subscribers know in a while.
func (n *Node) changed(key serviceKey) {
	n.lastChange[key] = time.Now()
	n.touch(key)
	n.schedulePush(key, nil)
}

// schedulePush pushes to one subscriber, or to all when none is named, together with whatever else comes until then.
func (n *Node) schedulePush(key serviceKey, to *connection) {
	p := n.pushes[key]
	if p == nil {
		p = &pendingPush{some: make(map[*connection]bool)}
		n.pushes[key] = p
		r := n.run
		n.cluster.after(n.cluster.settings.pushDelay, func() {
			if n.pushes[key] != p {
				return
			}
			delete(n.pushes, key)
			if r != nil && r.alive() {
				n.pushNow(key, p)
			}
		})
	}
	if to == nil {
		p.all = true
	} else {
		p.some[to] = true
	}
}

func (n *Node) pushNow(key serviceKey, p *pendingPush) {
	view := n.view(key)
	for _, c := range n.subscribers(key) {
		if p.all || p.some[c] {
			n.push(c, key, view)
		}
	}
}

// push sends a service to a subscriber, and again if it is not answered.
func (n *Node) push(c *connection, key serviceKey, view []Instance) {
	info := n.serviceInfo(key, view, c.subscriptions[key], false)
	req := rpc_request.NotifySubscriberRequest{
		NamingRequest: &rpc_request.NamingRequest{
			Request: n.cluster.newRequest(), Namespace: key.namespace, ServiceName: key.name, GroupName: key.group, Module: "naming",
		},
		ServiceInfo: info,
	}
	id := req.RequestId
	c.unanswered[id] = key
	c.send(encode(req.GetRequestType(), &req))
	n.cluster.after(n.cluster.settings.ackTimeout+pushRetryDelay, func() {
		if _, waiting := c.unanswered[id]; !waiting || !c.run.alive() || c.run.connections[c.id] != c {
			return
		}
		delete(c.unanswered, id)
		n.schedulePush(key, c)
	})
}

func (n *Node) subscribers(key serviceKey) []*connection {
	if n.run == nil {
		return nil
	}
	var all []*connection
	for _, id := range slices.Sorted(maps.Keys(n.run.connections)) {
		c := n.run.connections[id]
		if _, ok := c.subscriptions[key]; ok {
			all = append(all, c)
		}
	}
	return all
}

// serviceInfo is what clients are told of a service: its enabled instances in the clusters asked for.
func (n *Node) serviceInfo(key serviceKey, view []Instance, clusters string, healthyOnly bool) model.Service {
	if n.lastRef[key] == 0 {
		n.touch(key)
	}
	info := model.Service{
		Name: key.name, GroupName: key.group, Clusters: clusters, CacheMillis: 10_000,
		LastRefTime: n.lastRef[key], Valid: true, Hosts: []model.Instance{},
	}
	var wanted []string
	if clusters != "" {
		wanted = strings.Split(clusters, ",")
	}
	for _, i := range view {
		if i.Enabled && (i.Healthy || !healthyOnly) && (wanted == nil || slices.Contains(wanted, cmp.Or(i.Cluster, defaultCluster))) {
			info.Hosts = append(info.Hosts, i.toModel(key))
		}
	}
	return info
}
