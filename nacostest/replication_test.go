package nacostest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
)

// ports lists the ports of a service as a node sees it.
func ports(n *nacostest.Node, service string) []int {
	var all []int
	for _, i := range n.Instances("", "", service) {
		all = append(all, i.Port)
	}
	return all
}

func awaitPorts(tb testing.TB, n *nacostest.Node, service string, want ...int) {
	tb.Helper()
	eventually(tb, func() bool { return slices.Equal(ports(n, service), want) }, func() string {
		return fmt.Sprintf("%s has ports %v, want %v", n.Addr(), ports(n, service), want)
	})
}

func TestKillResetsConnectionsAndLeavesGhosts(t *testing.T) {
	c := nacostest.NewCluster(t, 3)
	provider := connect(t, c.Addrs()[0])
	provider.register("orders", host(8001))
	awaitPorts(t, c.Node(1), "orders", 8001)
	awaitPorts(t, c.Node(2), "orders", 8001)

	c.Node(0).Kill()
	<-provider.ended
	if c.Node(0).Up() || len(c.Node(0).Connections()) != 0 {
		t.Error("the node is still up")
	}
	if _, err := provider.try("HealthCheckRequest", body{}); err == nil {
		t.Error("a killed node answered")
	}
	c.Node(0).Kill() // nothing more happens
	awaitPorts(t, c.Node(1), "orders", 8001)

	again := connect(t, c.Addrs()[1])
	again.register("orders", host(8001))
	if err := c.Node(0).Restart(false); err != nil {
		t.Fatal(err)
	}
	awaitPorts(t, c.Node(0), "orders", 8001) // the ghost and the new registration are one
	again.deregister("orders", host(8001))
	time.Sleep(100 * time.Millisecond)
	awaitPorts(t, c.Node(2), "orders", 8001) // the ghost's
}

func TestGhostsExpire(t *testing.T) {
	c := nacostest.NewCluster(t, 2, nacostest.WithGhostExpiry(200*time.Millisecond))
	gone, stays := connect(t, c.Addrs()[0]), connect(t, c.Addrs()[1])
	gone.register("orders", host(8001))
	stays.register("orders", host(8002))
	awaitPorts(t, c.Node(1), "orders", 8001, 8002)
	stays.subscribe("orders")
	c.Node(0).Kill()
	stays.await("NotifySubscriberRequest", hasPorts(8002))
	awaitPorts(t, c.Node(1), "orders", 8002)
}

func TestGhostsOfARestartedNodeExpire(t *testing.T) {
	c := nacostest.NewCluster(t, 2, nacostest.WithGhostExpiry(200*time.Millisecond))
	connect(t, c.Addrs()[0]).register("orders", host(8001))
	awaitPorts(t, c.Node(1), "orders", 8001)
	c.Node(0).Kill()
	if err := c.Node(0).Restart(false); err != nil {
		t.Fatal(err)
	}
	awaitPorts(t, c.Node(0), "orders")
	awaitPorts(t, c.Node(1), "orders")
}

func TestInstancesOfALinkedNodeAreNoGhosts(t *testing.T) {
	c := nacostest.NewCluster(t, 2, nacostest.WithGhostExpiry(50*time.Millisecond))
	connect(t, c.Addrs()[0]).register("orders", host(8001))
	awaitPorts(t, c.Node(1), "orders", 8001)
	time.Sleep(200 * time.Millisecond)
	awaitPorts(t, c.Node(1), "orders", 8001)
	c.Cut(0, 1)
	awaitPorts(t, c.Node(1), "orders")
	c.Join(0, 1)
	awaitPorts(t, c.Node(1), "orders", 8001)
}

func TestRestartWithAndWithoutData(t *testing.T) {
	c := nacostest.NewCluster(t, 2)
	client := connect(t, c.Addrs()[0])
	client.register("orders", host(8001))
	fixed := host(8002)
	client.ask("PersistentInstanceRequest", of("fixed", body{"type": "registerInstance", "instance": fixed}))
	c.Publish("", "", "app", "x")
	content := func(n int) string {
		a, err := connect(t, c.Addrs()[n]).try("ConfigQueryRequest", body{"tenant": "", "group": "DEFAULT_GROUP", "dataId": "app"})
		if err != nil {
			t.Fatal(err)
		}
		return a.Content
	}
	awaitPorts(t, c.Node(1), "fixed", 8002)
	awaitPorts(t, c.Node(1), "orders", 8001)
	eventually(t, func() bool { return content(1) == "x" }, func() string { return "the config did not reach the other node" })
	if err := c.Node(0).Restart(true); err == nil {
		t.Error("a living node was restarted")
	}

	restart := func(keep bool, nodes ...int) {
		t.Helper()
		for _, n := range nodes {
			c.Node(n).Kill()
		}
		for _, n := range nodes {
			if err := c.Node(n).Restart(keep); err != nil {
				t.Fatal(err)
			}
		}
	}
	addr := c.Node(0).Addr()
	restart(false, 0) // its peer has everything
	if c.Node(0).Addr() != addr {
		t.Errorf("the address changed from %s to %s", addr, c.Node(0).Addr())
	}
	awaitPorts(t, c.Node(0), "fixed", 8002)
	awaitPorts(t, c.Node(0), "orders", 8001) // a ghost of its own
	if content(0) != "x" {
		t.Error("the config was not caught up")
	}

	restart(true, 0, 1)
	awaitPorts(t, c.Node(1), "fixed", 8002)
	awaitPorts(t, c.Node(1), "orders") // ephemeral ones are never on disk
	if content(1) != "x" {
		t.Error("the config was not kept")
	}

	restart(false, 0, 1)
	awaitPorts(t, c.Node(0), "fixed")
	if content(0) != "" {
		t.Error("the config was kept")
	}
}

func TestCutAndJoin(t *testing.T) {
	c := nacostest.NewCluster(t, 3)
	c.Cut(0, 1)
	provider := connect(t, c.Addrs()[0])
	provider.register("orders", host(8001))
	c.Publish("", "", "app", "x")
	awaitPorts(t, c.Node(2), "orders", 8001)
	time.Sleep(50 * time.Millisecond)
	awaitPorts(t, c.Node(1), "orders")
	c.Join(1, 0)
	awaitPorts(t, c.Node(1), "orders", 8001)

	c.Cut(0, 1)
	provider.close()
	awaitPorts(t, c.Node(2), "orders")
	awaitPorts(t, c.Node(1), "orders", 8001)
	c.Join(0, 1)
	awaitPorts(t, c.Node(1), "orders")
}
