package nacostest_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
)

func TestJavaTimingsInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nacostest.NewCluster(t, 3, nacostest.InMemory(), nacostest.JavaTimings())
		provider := connectInMemory(t, c, c.Addrs()[0])
		watcher := connectInMemory(t, c, c.Addrs()[1])
		watcher.subscribe("orders")
		watcher.await("NotifySubscriberRequest", hasPorts())
		time.Sleep(time.Minute) // what nodes tell each other at the start is over

		begin := time.Now()
		provider.register("orders", host(8001))
		watcher.await("NotifySubscriberRequest", hasPorts(8001))
		if took := time.Since(begin); took != 1500*time.Millisecond {
			t.Errorf("a change took %v to a subscriber on another node, want 1 s for replication and 0.5 s for the push", took)
		}

		begin = time.Now()
		c.Node(0).Kill()
		<-provider.ended
		time.Sleep(170 * time.Second)
		awaitPorts(t, c.Node(1), "orders", 8001)
		for len(ports(c.Node(1), "orders")) > 0 {
			time.Sleep(time.Second)
		}
		if took := time.Since(begin); took < 175*time.Second || took > 190*time.Second {
			t.Errorf("the ghost was there for %v", took)
		}

		if err := c.Node(0).Restart(false); err != nil {
			t.Fatal(err)
		}
		connectInMemory(t, c, c.Addrs()[0])
	})
}

func TestHangInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nacostest.NewCluster(t, 1, nacostest.InMemory())
		client := connectInMemory(t, c, c.Addrs()[0])
		c.Node(0).Hang()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if a, err := client.tryWithin(ctx, "HealthCheckRequest", body{}); err == nil {
			t.Errorf("a hung node answered %+v", a)
		}
		c.Node(0).Resume()
		client.ask("HealthCheckRequest", body{})
	})
}

func TestHTTPInMemory(t *testing.T) {
	c := nacostest.NewCluster(t, 1, nacostest.InMemory())
	transport := &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return c.Dial(ctx, addr) }}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("http://" + c.Addrs()[0] + "/nacos/v1/ns/operator/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
	c.Node(0).Kill()
	if conn, err := c.Dial(t.Context(), c.Addrs()[0]); err == nil {
		_ = conn.Close()
		t.Error("a killed node was dialled")
	}
}
