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
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.look(&s.supervision); !ok(); s.look(&s.supervision) {
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
	if s.supervision.client == narrow || s.supervision.client.partial {
		t.Error("a connection that knows no other server has not been replaced at once")
	}
	s.until(t, "moved", s.supervision.client.running)
}
