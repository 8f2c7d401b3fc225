package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/nacostest"
)

// fault is what can happen to a node, and how the script calls it.
type fault struct {
	name    string
	command string // its %d is the node
}

var (
	killed  = fault{"killed", "kill %d"}       // connections are reset
	stopped = fault{"stopped", "kill %d STOP"} // connections stay, nobody answers
	silent  = fault{"silent", "drop %d"}       // the node's packets are lost
)

// cluster is three nodes of Nacos, numbered from 1: those in HOLDFAST_NACOS_SERVERS, on which the command in
// HOLDFAST_NACOS_CTL inflicts the faults (see the script cluster), or else nodes embedded in the test.
type cluster struct {
	servers []string
	inflict func(t *testing.T, f fault, node int)
	mend    func(t *testing.T, nodes ...int)
}

// newCluster returns a sound cluster. Tests with one of their own run at the same time, those on real servers one by one.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	servers := os.Getenv("HOLDFAST_NACOS_SERVERS")
	if servers == "" {
		t.Parallel()
		return embedded(nacostest.NewCluster(t, 3))
	}
	ctl := strings.Fields(os.Getenv("HOLDFAST_NACOS_CTL"))
	if len(ctl) == 0 {
		t.Fatal("HOLDFAST_NACOS_CTL is not set: nothing could make the servers fail")
	}
	run := func(t *testing.T, format string, args ...any) {
		t.Helper()
		command := slices.Concat(ctl[1:], strings.Fields(fmt.Sprintf(format, args...)))
		// The command leaves servers behind, so it must not die with the test's context, nor pass its pipes on to them.
		output, err := exec.Command(ctl[0], command...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, output)
		}
	}
	return &cluster{
		servers: strings.Split(servers, ","),
		inflict: func(t *testing.T, f fault, node int) { t.Helper(); run(t, f.command, node) },
		mend: func(t *testing.T, nodes ...int) {
			t.Helper()
			run(t, "heal")
			for _, node := range nodes {
				run(t, "restart %d", node)
			}
			run(t, "wait")
		},
	}
}

func embedded(c *nacostest.Cluster) *cluster {
	return &cluster{
		servers: c.Addrs(),
		inflict: func(_ *testing.T, f fault, node int) {
			if f == killed {
				c.Node(node - 1).Kill()
			} else {
				c.Node(node - 1).Hang()
			}
		},
		mend: func(t *testing.T, nodes ...int) {
			t.Helper()
			for _, node := range nodes {
				n := c.Node(node - 1)
				if n.Up() {
					n.Resume()
				} else if err := n.Restart(false); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
}

// number returns which node an address belongs to.
func (c *cluster) number(t *testing.T, addr string) int {
	t.Helper()
	for i, server := range c.servers {
		if server == addr {
			return i + 1
		}
	}
	t.Fatalf("%q is none of the nodes %v", addr, c.servers)
	return 0
}

// others returns the addresses of all nodes but one.
func (c *cluster) others(node int) []string {
	return append(c.servers[:node-1:node-1], c.servers[node:]...)
}
