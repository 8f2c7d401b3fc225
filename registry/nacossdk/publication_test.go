package nacossdk

import (
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/nacostest"
	"github.com/holdfast-go/holdfast/registry"
)

var provider = registry.Instance{Addr: "10.0.0.7:8080"}.WithDefaults()

// idleNaming does nothing by itself, as nothing is declared or watched.
func idleNaming(t *testing.T, servers ...string) *naming {
	t.Helper()
	c, err := Open(registry.Connection{Servers: servers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	n, err := c.namingOf(registry.DefaultNamespace)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTakenBackAfterAFailedRepair: the server left out an instance, and registering it anew has failed.
func TestTakenBackAfterAFailedRepair(t *testing.T) {
	t.Parallel()
	cluster := nacostest.NewCluster(t, 1)
	n, d := idleNaming(t, cluster.Addrs()...), &declaration{service: orders}
	wanted := map[string]registry.Instance{provider.Addr: provider}
	if err := n.publish(d, wanted); err != nil {
		t.Fatal(err)
	}
	atServer := nacostest.Instance{IP: "10.0.0.7", Port: 8080, Weight: 1}
	cluster.SetInstance("", "", orders.Name, atServer)
	cluster.Node(0).Fail("BatchInstanceRequest", 500, "no leader", 1)
	if err := n.verify(d, wanted); !errors.Is(err, registry.ErrUnavailable) {
		t.Fatalf("verify: %v", err)
	}
	if err := n.publish(d, nil); err != nil {
		t.Fatal(err)
	}
	atServer.Enabled = true
	cluster.SetInstance("", "", orders.Name, atServer)
	if got := cluster.Node(0).Instances(orders.Namespace, orders.Group, orders.Name); len(got) > 0 {
		t.Errorf("still registered: %+v", got)
	}
}
