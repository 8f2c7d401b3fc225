package nacostest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
)

func TestHangSwallowsRequestsAndHoldsPushes(t *testing.T) {
	c := nacostest.NewCluster(t, 2)
	watcher := connect(t, c.Addrs()[0])
	watcher.subscribe("orders")
	watcher.await("NotifySubscriberRequest", hasPorts())
	c.Node(0).Hang()
	before := watcher.seen()

	provider := connect(t, c.Addrs()[1])
	provider.register("orders", host(8001))
	awaitPorts(t, c.Node(1), "orders", 8001)
	short, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if a, err := watcher.tryWithin(short, "HealthCheckRequest", body{}); err == nil {
		t.Errorf("a hung node answered %+v", a)
	}
	fresh, err := dial(t, c.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	short, cancel = context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if a, err := fresh.tryWithin(short, "ServerCheckRequest", body{}); err == nil || short.Err() == nil {
		t.Errorf("a hung node answered a new connection: %+v, %v", a, err)
	}
	if got := ports(c.Node(0), "orders"); len(got) != 0 || watcher.seen() != before {
		t.Errorf("a hung node heard of %v and pushed %d times", got, watcher.seen()-before)
	}
	if !c.Node(0).Up() {
		t.Error("a hung node is up")
	}

	c.Node(0).Resume()
	watcher.await("NotifySubscriberRequest", hasPorts(8001))
	watcher.ask("HealthCheckRequest", body{})

	c.Node(0).Hang()
	c.Node(0).Kill() // ends a hang
	<-watcher.ended
	if err := c.Node(0).Restart(false); err != nil {
		t.Fatal(err)
	}
	connect(t, c.Addrs()[0])
}

func TestConnectionsEndingDuringAHangAreNoticedAfterIt(t *testing.T) {
	c := nacostest.NewCluster(t, 1)
	provider := connect(t, c.Addrs()[0])
	provider.register("orders", host(8001))
	c.Node(0).Hang()
	provider.close()
	time.Sleep(50 * time.Millisecond)
	awaitPorts(t, c.Node(0), "orders", 8001)
	c.Node(0).Resume()
	awaitPorts(t, c.Node(0), "orders")
}

func TestDelay(t *testing.T) {
	c := nacostest.NewCluster(t, 1)
	client := connect(t, c.Addrs()[0])
	const delay = 300 * time.Millisecond
	c.Node(0).Delay(delay)
	begin := time.Now()
	client.ask("HealthCheckRequest", body{})
	if took := time.Since(begin); took < delay {
		t.Errorf("answered after %v", took)
	}
	begin = time.Now()
	web(t, "GET", c.Addrs()[0], "/v1/ns/operator/metrics", nil)
	if took := time.Since(begin); took < delay {
		t.Errorf("answered over HTTP after %v", took)
	}
	c.Node(0).Delay(time.Hour)
	failed := make(chan error, 1)
	go func() { _, err := client.try("HealthCheckRequest", body{}); failed <- err }()
	eventually(t, func() bool { return c.Requests("HealthCheckRequest") > 2 }, func() string { return "the request did not come" })
	c.Node(0).Kill()
	if err := <-failed; err == nil {
		t.Error("a killed node answered")
	}
}

func TestStarting(t *testing.T) {
	c := nacostest.NewCluster(t, 1)
	client := connect(t, c.Addrs()[0])
	c.Node(0).Starting(true)
	client.refused("HealthCheckRequest", body{}, 300)
	client.refused("ServerCheckRequest", body{}, 300)
	if _, err := tryConnect(t, c.Addrs()[0]); err == nil {
		t.Error("a starting node took a connection")
	}
	if code, _ := web(t, "GET", c.Addrs()[0], "/v2/console/health/readiness", nil); code != 503 {
		t.Errorf("readiness %d", code)
	}
	c.Node(0).Starting(false)
	client.ask("HealthCheckRequest", body{})
}

func TestFail(t *testing.T) {
	c := nacostest.NewCluster(t, 1)
	n, client := c.Node(0), connect(t, c.Addrs()[0])
	register := of("orders", body{"type": "registerInstance", "instance": host(8001)})
	n.Fail("InstanceRequest", 500, "broken on purpose", 2)
	for range 2 {
		if a := client.refused("InstanceRequest", register, 500); a.Type != "ErrorResponse" || a.Message != "broken on purpose" {
			t.Errorf("answered %+v", a)
		}
	}
	client.ask("InstanceRequest", register)
	n.Fail("InstanceRequest", 403, "no", -1)
	client.refused("InstanceRequest", register, 403)
	client.ask("HealthCheckRequest", body{}) // others are answered
	client.refused("InstanceRequest", register, 403)
	n.Fail("InstanceRequest", 0, "", 0)
	client.ask("InstanceRequest", register)
	if got := n.Requests("InstanceRequest"); got != 6 {
		t.Errorf("%d requests counted, want 6", got)
	}
}

func TestPushEmpty(t *testing.T) {
	c := nacostest.NewCluster(t, 1)
	client := connect(t, c.Addrs()[0])
	client.register("orders", host(8001))
	client.subscribe("orders")
	first := client.await("NotifySubscriberRequest", hasPorts(8001))
	before := client.seen()
	last := first.ServiceInfo.LastRefTime
	for range 10 { // also within one millisecond
		c.Node(0).PushEmpty("", "", "orders")
	}
	for i := range 10 {
		empty := client.awaitAfter(before+i, "NotifySubscriberRequest", hasPorts())
		if empty.ServiceInfo.LastRefTime <= last {
			t.Errorf("reference time %d after %d", empty.ServiceInfo.LastRefTime, last)
		}
		last = empty.ServiceInfo.LastRefTime
	}
	if got := client.query("orders"); !samePorts(got, []int{8001}) {
		t.Errorf("the service itself has %+v", got.Hosts)
	}
}

func TestResetConnections(t *testing.T) {
	c := nacostest.NewCluster(t, 1)
	client := connect(t, c.Addrs()[0])
	c.Node(0).ResetConnections("127.0.0.1", "8848")
	client.await("ConnectResetRequest", func(p push) bool { return p.ServerIP == "127.0.0.1" && p.ServerPort == "8848" })
}

func TestSilentClientsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nacostest.NewCluster(t, 1, nacostest.InMemory())
		quiet, mute := connectInMemory(t, c, c.Addrs()[0]), connectInMemory(t, c, c.Addrs()[0])
		mute.silence()
		begin := time.Now()
		mute.register("orders", host(8001))
		<-mute.ended
		if took := time.Since(begin); took < 25*time.Second || took > 35*time.Second {
			t.Errorf("dropped after %v, want 20 s until it is asked and 5 s for the answer", took)
		}
		awaitPorts(t, c.Node(0), "orders")
		time.Sleep(5 * time.Minute)
		if asked := quiet.seen(); asked < 10 {
			t.Errorf("one who answers was asked %d times", asked)
		}
		if all := c.Node(0).Connections(); len(all) != 1 || all[0].ID != quiet.id || all[0].Labels["module"] != "naming" {
			t.Errorf("connections %+v", all)
		}
	})
}

func TestWhoOwesASignOfLifeWhenItsNodeHangsIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nacostest.NewCluster(t, 1, nacostest.InMemory())
		client := connectInMemory(t, c, c.Addrs()[0])
		client.silence()
		time.Sleep(20 * time.Second)
		client.await("ClientDetectionRequest", func(push) bool { return true })
		c.Node(0).Hang()
		time.Sleep(time.Minute)
		c.Node(0).Resume()
		time.Sleep(10 * time.Second)
		client.ask("HealthCheckRequest", body{})
	})
}

func TestUnansweredPushesAreRepeated(t *testing.T) {
	c := nacostest.NewCluster(t, 1, nacostest.WithAckTimeout(10*time.Millisecond))
	client := connect(t, c.Addrs()[0])
	client.silence()
	client.subscribe("orders")
	client.await("NotifySubscriberRequest", hasPorts())
	before := client.seen()
	client.awaitAfter(before, "NotifySubscriberRequest", hasPorts())
}

func TestChangesArePushedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nacostest.NewCluster(t, 1, nacostest.InMemory())
		client := connectInMemory(t, c, c.Addrs()[0])
		client.subscribe("orders")
		client.await("NotifySubscriberRequest", hasPorts())
		before := client.seen()
		for port := range 50 {
			client.register("orders", host(port+1))
		}
		client.await("NotifySubscriberRequest", hasPorts(50))
		time.Sleep(time.Second)
		if pushes := client.seen() - before; pushes != 1 {
			t.Errorf("%d pushes for 50 changes at once", pushes)
		}
	})
}
