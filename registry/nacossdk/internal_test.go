package nacossdk

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/nacostest"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

func TestFromModel(t *testing.T) {
	t.Parallel()
	host := func(ip string, port uint64, weight float64) model.Instance {
		return model.Instance{Ip: ip, Port: port, Weight: weight, Healthy: true, Enable: true, Ephemeral: true}
	}
	got := fromModel([]model.Instance{
		host("10.0.0.1", 80, 2), host("10.0.0.2", 80, 0), host("10.0.0.3", 80, -1), host("10.0.0.4", 80, math.NaN()),
		host("10.0.0.5", 80, math.Inf(1)), host("10.0.0.6", 0, 1), host("10.0.0.7", 65536, 1), host("", 80, 1), host("fd00::7", 80, 1),
	})
	want := []registry.Instance{
		{Addr: "10.0.0.1:80", Cluster: "DEFAULT", Weight: 2},
		{Addr: "10.0.0.2:80", Cluster: "DEFAULT", Disabled: true},
		{Addr: "10.0.0.3:80", Cluster: "DEFAULT", Disabled: true},
		{Addr: "10.0.0.4:80", Cluster: "DEFAULT", Disabled: true},
		{Addr: "10.0.0.5:80", Cluster: "DEFAULT", Weight: registry.MaxWeight},
		{Addr: "[fd00::7]:80", Cluster: "DEFAULT", Weight: 1},
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if !got[i].Equal(want[i]) {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
}

// TestLostRegistrationIsRepaired takes an instance from the server behind the client's back, on its own connection.
func TestLostRegistrationIsRepaired(t *testing.T) {
	t.Parallel()
	cluster := nacostest.NewCluster(t, 1)
	repaired := make(chan event.RegistrationRepaired, 10)
	c, err := Open(registry.Connection{Servers: cluster.Addrs()}, WithObserver(event.ObserverFunc(func(e event.Event) {
		if r, ok := e.(event.RegistrationRepaired); ok {
			repaired <- r
		}
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s := registry.Service{Name: "orders"}.WithDefaults()
	i := registry.Instance{Addr: "10.0.0.7:8080"}
	if err := c.Register(t.Context(), s, i); err != nil {
		t.Fatal(err)
	}
	n, err := c.namingOf(s.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.withdraw(s, []registry.Instance{i.WithDefaults()}); err != nil {
		t.Fatal(err)
	}
	select {
	case r := <-repaired:
		if r.Service != s.Name || r.Instance != i.Addr {
			t.Errorf("reported %+v", r)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("never repaired")
	}
	if got := cluster.Node(0).Instances(s.Namespace, s.Group, s.Name); len(got) != 1 {
		t.Errorf("the server lists %v", got)
	}
}

// TestConflictIsNoRefusal: the Java server has one number for a document that is being modified and for a bad request.
func TestConflictIsNoRefusal(t *testing.T) {
	t.Parallel()
	answer := &rpc_response.Response{ErrorCode: 400, Message: "requested file is being modified, please try later."}
	reading := refusal(&rpc_response.ConfigQueryResponse{Response: answer})
	if !errors.Is(reading, errModified) || !errors.Is(reading, registry.ErrUnavailable) || errors.Is(reading, registry.ErrRefused) {
		t.Errorf("reading: %v", reading)
	}
	if writing := refusal(&rpc_response.ConfigPublishResponse{Response: answer}); !errors.Is(writing, registry.ErrRefused) {
		t.Errorf("writing: %v", writing)
	}
}
