// Package e2e tests clients against whole servers that fail: real ones where HOLDFAST_NACOS_SERVERS names the nodes of
// a cluster, else embedded ones.
package e2e

import (
	"os"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/registry"
)

// A client whose node fails loses nothing that was there, and what changes afterwards reaches it, and the others from it.
func TestNodeInUseFails(t *testing.T) {
	for _, f := range []fault{killed, stopped, silent} {
		t.Run(f.name, func(t *testing.T) {
			c := newCluster(t)
			client, theirs, ours := open(t, c.servers), unique("theirs"), unique("ours")
			key := registry.ConfigKey{DataID: theirs.Name}
			seen := watch(t, keep(t, client), theirs)
			start := time.Now()
			connected := seen.await(t, "the node in use", start, func(s registry.Snapshot) bool { return s.Node != "" })
			node := c.number(t, connected.value.Node)

			elsewhere := open(t, c.others(node))
			seenElsewhere := watch(t, elsewhere, ours)
			listeners := []*record[string]{listen(t, client, key)}
			for len(listeners) < 6 { // each with a connection of its own for documents: hardly all miss the node
				listeners = append(listeners, listen(t, open(t, c.servers), key))
			}
			declare(t, elsewhere, theirs, instance(9001))
			declare(t, client, ours, instance(9101))
			publish(t, elsewhere, key, "before")
			seen.await(t, "their instance", start, holds(instance(9001)))
			seenElsewhere.await(t, "our instance", start, holds(instance(9101)))
			heardByAll(t, listeners, start, "before")

			t.Cleanup(func() { c.mend(t, node) })
			fell := time.Now()
			c.inflict(t, f, node)
			report := func(what string, since, at time.Time) {
				t.Logf("node in use %s: %s after %v", f.name, what, at.Sub(since).Round(time.Millisecond))
			}

			arrived := time.Now()
			declare(t, elsewhere, theirs, instance(9002))
			declared := time.Now()
			declare(t, client, ours, instance(9102))
			published := time.Now()
			publish(t, elsewhere, key, "after")
			report("a new instance is seen", arrived,
				seen.await(t, "their new instance", arrived, holds(instance(9001), instance(9002))).at)
			report("a declaration is seen elsewhere", declared,
				seenElsewhere.await(t, "our instances", declared, holds(instance(9101), instance(9102))).at)
			report("a published config is heard by all", published, heardByAll(t, listeners, published, "after"))
			for _, s := range seen.since(fell) {
				if !holds(instance(9001))(s.value) {
					t.Errorf("the instance that stayed was missing after %v: %+v", s.at.Sub(fell), s.value)
				}
			}
			if f == killed {
				requireGhost(t, seenElsewhere.since(fell), instance(9101))
			}
		})
	}
}

// requireGhost checks that an instance never went: the other nodes keep it for 180 s after the death of its client's node,
// and the client has registered it anew by then.
func requireGhost(t *testing.T, seen []entry[registry.Snapshot], i registry.Instance) {
	t.Helper()
	if os.Getenv("HOLDFAST_NACOS_FLAVOUR") == "rnacos" {
		t.Log("not required: r-nacos may drop the instances of a dead node before their clients are back")
		return
	}
	for _, s := range seen {
		if !holds(i)(s.value) {
			t.Errorf("an instance of the dead node was missing: %+v", s.value)
		}
	}
}

// While no node is up a client keeps its list, and once they are back everything declared holds again.
func TestAllNodesFail(t *testing.T) {
	c := newCluster(t)
	provider, client, service := open(t, c.servers), open(t, c.servers), unique("orders")
	start := time.Now()
	seen := watch(t, keep(t, client), service)
	declare(t, provider, service, instance(9001))
	seen.await(t, "the instance", start, holds(instance(9001)))

	nodes := []int{1, 2, 3}
	mend := sync.OnceFunc(func() { c.mend(t, nodes...) })
	t.Cleanup(mend)
	fell := time.Now()
	for _, node := range nodes {
		c.inflict(t, killed, node)
	}
	seen.await(t, "the outage", fell, func(s registry.Snapshot) bool { return s.Err != nil })
	declare(t, provider, service, instance(9002))

	back := time.Now()
	mend()
	last := seen.await(t, "both instances", back, func(s registry.Snapshot) bool {
		return s.Err == nil && holds(instance(9001), instance(9002))(s)
	})
	t.Logf("the declared instances are seen %v after the nodes were started again", last.at.Sub(back).Round(time.Millisecond))
	fresh := watch(t, open(t, c.servers), service)
	fresh.await(t, "both instances, by a new client", back, holds(instance(9001), instance(9002)))
	for _, s := range seen.since(fell) {
		if !holds(instance(9001))(s.value) {
			t.Errorf("the instance was missing %v after the fall: %+v", s.at.Sub(fell), s.value)
		}
	}
}
