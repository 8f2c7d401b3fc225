package nacostest_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
)

// post registers an ephemeral instance over HTTP.
func post(t *testing.T, n *nacostest.Node, port int, weight string) {
	t.Helper()
	form := url.Values{"serviceName": {"orders"}, "ip": {"10.1.2.3"}, "port": {fmt.Sprint(port)}, "weight": {weight}}
	if code, answer := web(t, "POST", n.Addr(), "/v1/ns/instance", form); code != 200 {
		t.Fatalf("%s answered %d %s", n.Addr(), code, answer)
	}
}

func TestHTTPRegistrationsMoveBetweenNodes(t *testing.T) {
	c := nacostest.NewCluster(t, 3)
	post(t, c.Node(0), 8001, "1")
	for _, n := range c.Nodes() {
		awaitPorts(t, n, "orders", 8001)
	}
	post(t, c.Node(1), 8002, "1")
	post(t, c.Node(1), 8001, "2")
	for _, n := range c.Nodes() {
		awaitPorts(t, n, "orders", 8001, 8002)
		eventually(t, func() bool { return n.Instances("", "", "orders")[0].Weight == 2 }, func() string {
			return fmt.Sprintf("%s has %+v", n.Addr(), n.Instances("", "", "orders"))
		})
	}
	form := url.Values{"serviceName": {"orders"}, "ip": {"10.1.2.3"}, "port": {"8001"}}
	if code, answer := web(t, "DELETE", c.Node(2).Addr(), "/v1/ns/instance", form); code != 200 {
		t.Fatalf("answered %d %s", code, answer)
	}
	for _, n := range c.Nodes() {
		awaitPorts(t, n, "orders", 8002)
	}
}

func TestHTTPRegistrationAfterARestartIsNoGhost(t *testing.T) {
	const expiry = 200 * time.Millisecond
	c := nacostest.NewCluster(t, 2, nacostest.WithGhostExpiry(expiry))
	post(t, c.Node(0), 8001, "1")
	awaitPorts(t, c.Node(1), "orders", 8001)
	c.Node(0).Kill()
	if err := c.Node(0).Restart(false); err != nil {
		t.Fatal(err)
	}
	post(t, c.Node(0), 8001, "1")
	time.Sleep(2 * expiry)
	for _, n := range c.Nodes() {
		awaitPorts(t, n, "orders", 8001)
	}
}
