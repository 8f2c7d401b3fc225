package nacossdk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/nacostest"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/nacossdk"
)

func login(t *testing.T, addrs []string, password string) *nacossdk.Client {
	t.Helper()
	c, err := nacossdk.Open(registry.Connection{Servers: addrs, Username: "nacos", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestLogin(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 3, nacostest.WithAuth("nacos", "right", time.Hour)), service(t)
	wrong := login(t, cluster.Addrs(), "wrong")
	if err := wrong.Register(patient(), s, instance); !errors.Is(err, registry.ErrRefused) || !strings.Contains(err.Error(), "login") {
		t.Errorf("with a wrong password: %v", err)
	}
	if _, err := wrong.Read(patient(), registry.ConfigKey{DataID: "x"}); !errors.Is(err, registry.ErrRefused) {
		t.Errorf("read with a wrong password: %v", err)
	}
	right := login(t, cluster.Addrs(), "right")
	v := watch(t, right, s)
	if err := right.Register(patient(), s, instance); err != nil {
		t.Fatal(err)
	}
	v.until(t, "registered", lists(instance.Addr))
}

// TestTokensLoseTheirWorth: the SDK would be refused until its token's time is up.
func TestTokensLoseTheirWorth(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 3, nacostest.WithAuth("nacos", "right", time.Hour)), service(t)
	c := login(t, cluster.Addrs(), "right")
	v := watch(t, c, s)
	if err := c.Register(patient(), s, instance); err != nil {
		t.Fatal(err)
	}
	v.until(t, "registered", lists(instance.Addr))
	cluster.SetPassword("right")
	other := registry.Instance{Addr: "10.0.0.8:8080"}
	eventually(t, "accepted after a new login", func() bool { return c.Register(patient(), s, other) == nil })
	v.until(t, "both", lists(instance.Addr, other.Addr))
}

func TestLoginWhenTheServersCome(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 3, nacostest.WithAuth("nacos", "right", time.Hour)), service(t)
	killAll(cluster)
	c := login(t, cluster.Addrs(), "right")
	v := watch(t, c, s)
	v.until(t, "told that there is no server", unavailable)
	if err := c.Register(patient(), s, instance); !errors.Is(err, registry.ErrUnavailable) {
		t.Fatalf("register: %v", err)
	}
	restartAll(t, cluster)
	v.until(t, "registered by itself", lists(instance.Addr))
}

// TestRefusedRequestLeavesTheConnectionAlone: the SDK would take it for broken.
func TestRefusedRequestLeavesTheConnectionAlone(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 1), service(t)
	moves := make(chan event.NodeChanged, 100)
	c := open(t, cluster.Addrs(), nacossdk.WithObserver(event.ObserverFunc(func(e event.Event) {
		if moved, ok := e.(event.NodeChanged); ok {
			moves <- moved
		}
	})))
	cluster.Node(0).Fail("BatchInstanceRequest", 500, "the store is closed for lunch", 4)
	if err := c.Register(patient(), s, instance); err != nil {
		t.Fatalf("it was to be repeated: %v", err)
	}
	if got := cluster.Requests("BatchInstanceRequest"); got != 5 {
		t.Errorf("%d requests for four refusals and one success", got)
	}
	if first := <-moves; !first.Up || first.Node != cluster.Addrs()[0] {
		t.Errorf("first %+v", first)
	}
	select {
	case next := <-moves:
		t.Errorf("then %+v", next)
	default:
	}
}

func TestOperatorsSettingsStay(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 3), service(t)
	c := open(t, cluster.Addrs())
	v := watch(t, c, s)
	if err := c.Register(patient(), s, instance); err != nil {
		t.Fatal(err)
	}
	v.until(t, "registered", lists(instance.Addr))
	cluster.SetInstance("", "", s.Name, nacostest.Instance{IP: "10.0.0.7", Port: 8080, Weight: 7, Enabled: true})
	v.until(t, "at the operator's weight", func(s registry.Snapshot) bool {
		return len(s.Instances) == 1 && s.Instances[0].Weight == 7
	})
	before := cluster.Requests("BatchInstanceRequest")
	queries := cluster.Requests("ServiceQueryRequest")
	eventually(t, "verified twice, with the list", func() bool { return cluster.Requests("ServiceQueryRequest") >= queries+3 })
	if after := cluster.Requests("BatchInstanceRequest"); after != before {
		t.Errorf("%d registrations against the operator", after-before)
	}
}

func TestPersistentInstance(t *testing.T) {
	t.Parallel()
	addrs, s := servers(t), service(t)
	consumer := open(t, addrs)
	v := watch(t, consumer, s)
	provider, err := nacossdk.Open(registry.Connection{Servers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	i := registry.Instance{Addr: "10.0.0.9:8080", Persistent: true, Weight: 3, Metadata: map[string]string{"zone": "a"}}
	if err := provider.Register(patient(), s, i); err != nil {
		t.Fatal(err)
	}
	if err := provider.Close(); err != nil {
		t.Fatal(err)
	}
	got := v.until(t, "registered", lists(i.Addr)).Instances[0]
	if !got.Persistent || got.Weight != 3 || got.Metadata["zone"] != "a" {
		t.Errorf("came back as %+v", got)
	}
	if err := consumer.Register(patient(), s, i); err != nil { // Deregister takes back what this client has declared
		t.Fatal(err)
	}
	if err := consumer.Deregister(patient(), s, i); err != nil {
		t.Fatal(err)
	}
	v.until(t, "gone", lists())
}
