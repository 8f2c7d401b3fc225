package nacostest_test

import (
	"errors"
	"net"
	"net/url"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
)

func TestPortsOfADeadNodeRefuseConnectionsAndStayItsOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("ports are not held on Windows")
	}
	c := nacostest.NewCluster(t, 1)
	n := c.Node(0)
	ports := []string{n.Addr(), n.GRPCAddr()}
	for range 3 {
		client := connect(t, n.Addr())
		web(t, "GET", n.Addr(), "/v1/ns/instance/list", url.Values{"serviceName": {"orders"}}) // closed by the server: lingers
		n.Kill()
		<-client.ended
		for _, addr := range ports {
			begin := time.Now()
			conn, err := net.Dial("tcp", addr)
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("dialling %s: %v", addr, err)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("refused after %v", took)
			}
			if conn != nil {
				_ = conn.Close()
			}
			if l, err := net.Listen("tcp", addr); err == nil {
				t.Errorf("somebody else can listen at %s", addr)
				_ = l.Close()
			}
		}
		if err := n.Restart(true); err != nil {
			t.Fatal(err)
		}
	}
	n.Kill()
	c.Close()
	for _, addr := range ports {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Errorf("%s is not free after the cluster's end: %v", addr, err)
			continue
		}
		_ = l.Close()
	}
}
