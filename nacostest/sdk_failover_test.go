//go:build !race

// The SDK has data races of its own when it reconnects and when it is closed, so this is not for the race detector.

package nacostest_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/nacostest"
)

func TestSDKMovesOverWhenItsNodeIsKilled(t *testing.T) {
	c := nacostest.NewCluster(t, 3)
	provider, consumer := sdkNaming(t, c), sdkNaming(t, c)
	seen := subscribed(t, consumer, "orders")
	must(t)(provider.RegisterInstance(sdkInstance("orders", 8001)))
	awaitEqual(t, seen, 8001)

	var used *nacostest.Node
	for _, n := range c.Nodes() {
		if n.Subscribers("", "", "orders") > 0 {
			used = n
		}
	}
	if used == nil {
		t.Fatal("nobody is subscribed")
	}
	used.Kill()
	other := connect(t, livingAddr(t, c))
	other.register("orders", host(8002))
	awaitEqual(t, seen, 8001, 8002)
	if err := used.Restart(false); err != nil {
		t.Fatal(err)
	}
}

func TestSDKMovesOverWhenAskedTo(t *testing.T) {
	c := nacostest.NewCluster(t, 2)
	provider := sdkNaming(t, c)
	must(t)(provider.RegisterInstance(sdkInstance("orders", 8001)))
	for _, n := range c.Nodes() {
		before := n.Connections()
		n.ResetConnections("127.0.0.1", "1")
		for _, b := range before {
			eventually(t, func() bool {
				for _, now := range n.Connections() {
					if now.ID == b.ID {
						return false
					}
				}
				return true
			}, func() string { return "the client stayed on " + b.ID })
		}
	}
	awaitPorts(t, c.Node(0), "orders", 8001)
}

func livingAddr(t *testing.T, c *nacostest.Cluster) string {
	t.Helper()
	for _, n := range c.Nodes() {
		if n.Up() {
			return n.Addr()
		}
	}
	t.Fatal("no node is up")
	return ""
}
