package nacossdk

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/nacostest"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

// supervisor plays the part of link.supervise.
type supervisor struct {
	*link
	supervision
	cluster *nacostest.Cluster
}

// newSupervisor is connected to one of two servers, told to avoid the other.
func newSupervisor(t *testing.T) *supervisor {
	t.Helper()
	process.adopt(silent)
	cluster := nacostest.NewCluster(t, 2)
	conn := registry.Connection{Servers: cluster.Addrs()}.WithDefaults()
	servers, err := conn.Parse()
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{cluster: cluster}
	s.link = newLink(conn, servers, handlers{module: constant.LABEL_MODULE_NAMING}, event.Discard{}, silent, func() {})
	s.lost, s.supervision.client = time.Now(), s.open(cluster.Node(1).Addr())
	t.Cleanup(func() {
		s.cancel()
		s.retire()
		s.work.Wait()
	})
	s.until(t, "connected", s.supervision.client.running)
	return s
}

// until looks until ok.
func (s *supervisor) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		s.look(&s.supervision)
		return ok()
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
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

func TestAvoidedServerTakesOver(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	narrow := s.supervision.client
	s.cluster.Node(0).Kill()
	s.until(t, "lost", func() bool { return !narrow.running() })
	s.look(&s.supervision) // it may have been lost since the last look
	if s.supervision.client == narrow || s.supervision.client.partial {
		t.Error("a connection that knows no other server has not been replaced at once")
	}
	s.until(t, "moved", func() bool { return s.supervision.client.running() })
}

// moved has the supervisor move to another connection.
func (s *supervisor) moved(t *testing.T) (from *sdkClient) {
	t.Helper()
	from = s.supervision.client
	s.next, s.nextBy = s.open(""), time.Now().Add(time.Hour)
	s.until(t, "moved", func() bool { return s.supervision.client != from })
	s.oldBy = time.Now().Add(time.Hour)
	if !from.running() || s.uses(from) {
		t.Fatal("the old connection must stay for a while, and not be used")
	}
	return from
}

func TestReplacedConnectionEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *supervisor, old *sdkClient){
		"in time":                            func(s *supervisor, _ *sdkClient) { s.oldBy = time.Now() },
		"when what it holds is taken back":   func(s *supervisor, _ *sdkClient) { s.forsake() },
		"when it holds up a request":         func(s *supervisor, old *sdkClient) { s.serving = old },
		"when another one is to be replaced": func(s *supervisor, _ *sdkClient) { s.next = s.open("") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSupervisor(t)
			for range 2 { // what was taken back before a move says nothing of what comes after
				old := s.moved(t)
				s.look(&s.supervision)
				if !old.running() {
					t.Error("ended at once")
				}
				end(s, old)
				s.until(t, "ended", func() bool { return !old.running() })
				s.until(t, "alone", func() bool { return s.next == nil })
				s.serving = nil
			}
		})
	}
}

// TestMoveLeavesNoGap: the others must hear of the new registration before the old one goes.
func TestMoveLeavesNoGap(t *testing.T) {
	t.Parallel()
	cluster := nacostest.NewCluster(t, 2, nacostest.JavaTimings())
	c, err := Open(registry.Connection{Servers: cluster.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Register(t.Context(), orders, provider); err != nil {
		t.Fatal(err)
	}
	listed := func(n *nacostest.Node) bool { return len(n.Instances(orders.Namespace, orders.Group, orders.Name)) > 0 }
	from, to := cluster.Node(0), cluster.Node(1)
	if len(from.Connections()) == 0 {
		from, to = to, from
	}
	eventually(t, "replicated", func() bool { return listed(to) })
	from.ResetConnections("", "")
	eventually(t, "moved", func() bool {
		if !listed(from) || !listed(to) {
			t.Fatal("gone from one of the servers")
		}
		return len(from.Connections()) == 0
	})
	if !listed(from) {
		t.Error("gone with the connection")
	}
}

func TestTakenBackDuringAMove(t *testing.T) {
	t.Parallel()
	n := idleNaming(t, nacostest.NewCluster(t, 1).Addrs()...)
	other := registry.Instance{Addr: "10.0.0.8:8080"}.WithDefaults()
	for _, i := range []registry.Instance{provider, other, other} {
		if err := n.register(t.Context(), orders, i); err != nil {
			t.Fatal(err)
		}
	}
	if n.link.forsaken.Load() {
		t.Error("a mere registration ends the old connection")
	}
	heavier := other
	heavier.Weight = 2
	if err := n.register(t.Context(), orders, heavier); err != nil {
		t.Fatal(err)
	}
	if !n.link.forsaken.Swap(false) {
		t.Error("the old connection still says what has been changed")
	}
	if err := n.deregister(t.Context(), orders, provider); err != nil {
		t.Fatal(err)
	}
	if !n.link.forsaken.Load() {
		t.Error("the old connection still holds what has been taken back")
	}
}
