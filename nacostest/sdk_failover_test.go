//go:build !race

// The SDK has data races of its own when it reconnects and when it is closed, so this is not for the race detector.

package nacostest_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

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

func TestSDKConfigMovesOverWhenItsNodeIsKilled(t *testing.T) {
	c := nacostest.NewCluster(t, 3)
	c.Publish("", "G", "app", "one")
	for _, addr := range c.Addrs() {
		eventually(t, func() bool {
			_, content := web(t, "GET", addr, "/v1/cs/configs", url.Values{"dataId": {"app"}, "group": {"G"}})
			return content == "one"
		}, func() string { return addr + " does not have the config" })
	}

	client := sdkConfig(t, c)
	var seen latest[string]
	told := func(content string) {
		t.Helper()
		eventually(t, func() bool { return seen.get() == content }, func() string { return fmt.Sprintf("told %q, want %q", seen.get(), content) })
	}
	app := vo.ConfigParam{DataId: "app", Group: "G", OnChange: func(_, _, _, data string) { seen.set(data) }}
	if err := client.ListenConfig(app); err != nil {
		t.Fatal(err)
	}
	_, _ = client.GetConfig(app) // fails when the SDK has not noticed yet that it is connected, but makes it compare at once
	told("one")
	settled(t, c)

	var used []*nacostest.Node
	for _, n := range c.Nodes() {
		if len(n.Connections()) > 0 {
			used = append(used, n)
		}
	}
	if len(used) != 1 {
		t.Fatalf("the client is connected to %d nodes", len(used))
	}
	used[0].Kill()
	c.Publish("", "G", "app", "two")
	told("two")
	settled(t, c)
	app.Content = "three"
	must(t)(client.PublishConfig(app))
	told("three")
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
