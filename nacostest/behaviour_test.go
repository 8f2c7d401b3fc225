package nacostest_test

import (
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
)

// patience is how long a test waits for what has to come. Only a failing test waits that long.
const patience = 10 * time.Second

// TestBehaviour holds everything about servers that other packages rely on. It runs against an embedded cluster, or
// against the servers in HOLDFAST_NACOS_SERVERS (a comma list of HTTP addresses, the nodes of one cluster).
// HOLDFAST_NACOS_FLAVOUR is "java", the default, or "rnacos": the two differ in places.
func TestBehaviour(t *testing.T) {
	flavour := "java"
	if f := os.Getenv("HOLDFAST_NACOS_FLAVOUR"); f != "" {
		flavour = f
	}
	var addrs []string
	servers := os.Getenv("HOLDFAST_NACOS_SERVERS")
	if servers != "" {
		addrs = strings.Split(servers, ",")
	} else {
		addrs = nacostest.NewCluster(t, 3, nacostest.WithIdleDetection(2*time.Second)).Addrs()
		flavour = "java"
	}
	for _, b := range slices.Concat(namingBehaviours, configBehaviours, connectionBehaviours) {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			b.check(&bench{
				T: t, addrs: addrs, flavour: flavour, real: servers != "",
				service: fmt.Sprintf("behaviour-%d-%d", time.Now().UnixNano(), rand.Uint32()),
			})
		})
	}
}

// bench is what a behaviour is tried on.
type bench struct {
	*testing.T
	addrs   []string
	flavour string
	real    bool   // not embedded
	service string // a name nobody else uses
}

// connect connects to a node; numbers beyond the last one begin again.
func (b *bench) connect(node int) *client {
	b.Helper()
	return connect(b.T, b.addrs[node%len(b.addrs)])
}

// shows waits until a query of the service lists these ports.
func (b *bench) shows(c *client, ports ...int) serviceInfo {
	b.Helper()
	var info serviceInfo
	b.eventually(func() bool {
		info = c.query(b.service)
		return samePorts(info, ports)
	}, func() string { return fmt.Sprintf("the service has %+v, want ports %v", info.Hosts, ports) })
	return info
}

func (b *bench) eventually(ok func() bool, failure func() string) {
	b.Helper()
	eventually(b.T, ok, failure)
}

func eventually(tb testing.TB, ok func() bool, failure func() string) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			tb.Fatal(failure())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func samePorts(info serviceInfo, want []int) bool {
	got := info.ports()
	slices.Sort(got)
	return slices.Equal(got, slices.Sorted(slices.Values(want)))
}

func hasPorts(ports ...int) func(push) bool {
	return func(p push) bool { return samePorts(p.ServiceInfo, ports) }
}

type behaviour struct {
	name  string
	check func(*bench)
}

func md5Of(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }

// dial connects without the set-up.
func (b *bench) dial(node int) *client {
	b.Helper()
	c, err := dial(b.T, b.addrs[node%len(b.addrs)])
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func (b *bench) web(method, path string, form url.Values) (int, string) {
	b.Helper()
	return web(b.T, method, b.addrs[0], path, form)
}

// web calls an HTTP endpoint and returns status and body.
func web(tb testing.TB, method, addr, path string, form url.Values) (int, string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+"/nacos"+path+"?"+form.Encode(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// lag is a time in which a change has come to every node.
func (b *bench) lag() time.Duration {
	if os.Getenv("HOLDFAST_NACOS_SERVERS") == "" {
		return 100 * time.Millisecond
	}
	return 3 * time.Second
}
