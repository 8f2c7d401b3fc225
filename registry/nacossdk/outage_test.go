package nacossdk_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
	"github.com/holdfast-go/holdfast/registry"
)

var instance = registry.Instance{Addr: "10.0.0.7:8080"}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(soon)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never %s", what)
		}
	}
}

func listedOn(n *nacostest.Node, s registry.Service) bool {
	s = s.WithDefaults()
	return len(n.Instances(s.Namespace, s.Group, s.Name)) == 1
}

func killAll(c *nacostest.Cluster) {
	for _, n := range c.Nodes() {
		n.Kill()
	}
}

func restartAll(t *testing.T, c *nacostest.Cluster) {
	t.Helper()
	for _, n := range c.Nodes() {
		if err := n.Restart(false); err != nil {
			t.Fatal(err)
		}
	}
}

func unavailable(s registry.Snapshot) bool { return errors.Is(s.Err, registry.ErrUnavailable) }

func TestAllServersDownAtStart(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 3), service(t)
	killAll(cluster)
	c := open(t, cluster.Addrs())
	v := watch(t, c, s)
	if got := v.until(t, "told that there is no server", unavailable); got.Known() {
		t.Errorf("nothing can be known: %+v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := c.Register(ctx, s, instance); !errors.Is(err, registry.ErrUnavailable) {
		t.Fatalf("register: %v", err)
	}
	if ctx.Err() != nil {
		t.Error("Register waited for the end of its context although all servers refuse")
	}
	if _, err := c.Read(ctx, registry.ConfigKey{DataID: "x"}); !errors.Is(err, registry.ErrUnavailable) {
		t.Fatalf("read: %v", err)
	}
	restartAll(t, cluster)
	v.until(t, "registered by itself", lists(instance.Addr))
}

func TestNodeKilled(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 3), service(t)
	provider, consumer := open(t, cluster.Addrs()), open(t, cluster.Addrs())
	if err := provider.Register(patient(), s, instance); err != nil {
		t.Fatal(err)
	}
	v := watch(t, consumer, s)
	node := v.until(t, "registered", lists(instance.Addr)).Node
	var dead, alive []*nacostest.Node
	for _, n := range cluster.Nodes() {
		if n.Addr() == node {
			n.Kill()
			dead = append(dead, n)
		} else {
			alive = append(alive, n)
		}
	}
	if len(dead) != 1 {
		t.Fatalf("the snapshot names node %q, which there is not", node)
	}
	if err := provider.Register(patient(), s, registry.Instance{Addr: "10.0.0.8:8080"}); err != nil {
		t.Fatal(err)
	}
	v.until(t, "a change after the kill", lists(instance.Addr, "10.0.0.8:8080"))
	if err := provider.Deregister(patient(), s, registry.Instance{Addr: "10.0.0.8:8080"}); err != nil {
		t.Fatal(err)
	}
	for _, n := range alive {
		eventually(t, "the registration on both living nodes", func() bool { return listedOn(n, s) })
	}
}

func TestServersForget(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 3), service(t)
	provider, consumer := open(t, cluster.Addrs()), open(t, cluster.Addrs())
	if err := provider.Register(patient(), s, instance); err != nil {
		t.Fatal(err)
	}
	v := watch(t, consumer, s)
	v.until(t, "registered", lists(instance.Addr))
	killAll(cluster)
	if got := v.until(t, "told of the outage", unavailable); !got.Known() || len(got.Instances) != 1 {
		t.Errorf("the known list must stay: %+v", got)
	}
	restartAll(t, cluster)
	for _, n := range cluster.Nodes() {
		eventually(t, "registered again on every node", func() bool { return listedOn(n, s) })
	}
	v.until(t, "seen again", lists(instance.Addr))
}

// TestShortOutage: whether it is noticed while it lasts is a matter of chance; its number is not.
func TestShortOutage(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 1), service(t)
	v := watch(t, open(t, cluster.Addrs()), s)
	before := v.until(t, "empty", lists())
	killAll(cluster)
	restartAll(t, cluster)
	after := v.until(t, "connected again", func(s registry.Snapshot) bool { return s.Err == nil && s.Outages > before.Outages })
	if after.Outages != before.Outages+1 {
		t.Errorf("%d outages, want one", after.Outages-before.Outages)
	}
}

func TestMovingIsNoOutage(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 2), service(t)
	v := watch(t, open(t, cluster.Addrs()), s)
	before := v.until(t, "empty", lists())
	for _, n := range cluster.Nodes() {
		n.ResetConnections("", "")
	}
	after := v.until(t, "moved", func(s registry.Snapshot) bool { return s.Err == nil && s.Node != before.Node })
	if after.Outages != before.Outages {
		t.Errorf("%d outages", after.Outages-before.Outages)
	}
}

func TestDocumentChangedDuringAnOutage(t *testing.T) {
	t.Parallel()
	cluster := nacostest.NewCluster(t, 3)
	c, k := open(t, cluster.Addrs()), registry.ConfigKey{DataID: "limits"}
	if err := c.Publish(patient(), registry.Document{Key: k, Content: "one"}); err != nil {
		t.Fatal(err)
	}
	contents := make(chan string, 100)
	stop, err := c.Listen(t.Context(), k, func(d registry.Document, _ error) { contents <- d.Content })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	await := func(want string) {
		t.Helper()
		for limit := time.After(soon); ; {
			select {
			case got := <-contents:
				if got == want {
					return
				}
			case <-limit:
				t.Fatalf("never heard %q", want)
			}
		}
	}
	await("one")
	killAll(cluster)
	restartAll(t, cluster)
	if !cluster.Publish("", "", k.DataID, "two") {
		t.Fatal("not published")
	}
	await("two")
}

// TestHungNodes: every node accepts connections and answers nothing.
func TestHungNodes(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 3), service(t)
	for _, n := range cluster.Nodes() {
		n.Hang()
	}
	c := open(t, cluster.Addrs())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := c.Register(ctx, s, instance)
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, registry.ErrUnavailable) {
		t.Fatalf("register: %v", err)
	}
	v := watch(t, c, s)
	v.until(t, "told that there is no server", unavailable)
	for _, n := range cluster.Nodes() {
		n.Resume()
	}
	v.until(t, "registered by itself", lists(instance.Addr))
}

// TestResetToADeadServer: the SDK alone would try that one for ever.
func TestResetToADeadServer(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 3), service(t)
	c := open(t, cluster.Addrs())
	v := watch(t, c, s)
	if err := c.Register(patient(), s, instance); err != nil {
		t.Fatal(err)
	}
	node := v.until(t, "registered", lists(instance.Addr)).Node
	for _, n := range cluster.Nodes() {
		if n.Addr() != node {
			continue
		}
		n.ResetConnections("127.0.0.1", "1")
		eventually(t, "moved away", func() bool { return len(n.Connections()) == 0 })
	}
	other := registry.Instance{Addr: "10.0.0.8:8080"}
	if err := c.Register(patient(), s, other); err != nil {
		t.Fatal(err)
	}
	v.until(t, "a change after the move", lists(instance.Addr, other.Addr))
}

// The SDK takes a client that was shut down while it connected for a running one, and blocks when it is shut down again.
func TestClosedWhileConnecting(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 1, nacostest.WithIdleDetection(100*time.Millisecond)), service(t)
	node := cluster.Node(0)
	c := open(t, cluster.Addrs())
	v := watch(t, c, s)
	v.until(t, "empty", lists())

	node.Kill()
	v.until(t, "told that there is no server", func(s registry.Snapshot) bool { return s.Err != nil })
	before := node.Requests("ServerCheckRequest")
	node.Delay(300 * time.Millisecond)
	restartAll(t, cluster)
	eventually(t, "connecting", func() bool { return node.Requests("ServerCheckRequest") > before })
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	node.Delay(0)
	eventually(t, "connected", func() bool { return node.Requests("ConnectionSetupRequest") > 1 || len(node.Connections()) > 0 })
	eventually(t, "disconnected", func() bool { return len(node.Connections()) == 0 })

	other := open(t, cluster.Addrs())
	if err := other.Register(patient(), s, instance); err != nil {
		t.Errorf("another client cannot register: %v", err)
	}
}
