package nacossdk_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/nacossdk"
)

const soon = 30 * time.Second

// servers are those of HOLDFAST_NACOS_SERVERS, or of a cluster in the process.
func servers(t *testing.T) []string {
	t.Helper()
	if list := os.Getenv("HOLDFAST_NACOS_SERVERS"); list != "" {
		return strings.Split(list, ",")
	}
	return nacostest.NewCluster(t, 3).Addrs()
}

func open(t *testing.T, addrs []string, opts ...nacossdk.Option) *nacossdk.Client {
	t.Helper()
	c, err := nacossdk.Open(registry.Connection{Servers: addrs}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// view collects what a watcher is told.
type view chan registry.Snapshot

func watch(t *testing.T, c *nacossdk.Client, s registry.Service) view {
	t.Helper()
	v := make(view, 1000)
	stop, err := c.Watch(t.Context(), s, func(s registry.Snapshot) { v <- s })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return v
}

// until waits for a snapshot that satisfies ok.
func (v view) until(t *testing.T, what string, ok func(registry.Snapshot) bool) registry.Snapshot {
	t.Helper()
	limit := time.After(soon)
	var last registry.Snapshot
	for {
		select {
		case last = <-v:
			if ok(last) {
				return last
			}
		case <-limit:
			t.Fatalf("never %s; last: %+v", what, last)
		}
	}
}

func lists(addrs ...string) func(registry.Snapshot) bool {
	return func(s registry.Snapshot) bool {
		if s.Err != nil || !s.Known() || len(s.Instances) != len(addrs) {
			return false
		}
		for i, addr := range addrs {
			if s.Instances[i].Addr != addr {
				return false
			}
		}
		return true
	}
}

// patient is a context for a request that ought to succeed.
func patient() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func service(t *testing.T) registry.Service {
	return registry.Service{Name: strings.NewReplacer("/", ".", "#", ".").Replace(t.Name())}
}

func TestSeveralInstancesOverOneClient(t *testing.T) {
	t.Parallel()
	addrs, s := servers(t), service(t)
	provider, consumer := open(t, addrs), open(t, addrs)
	v := watch(t, consumer, s)
	a := registry.Instance{Addr: "10.0.0.1:80", Weight: 2, Metadata: map[string]string{"zone": "a"}}
	b := registry.Instance{Addr: "10.0.0.2:80", Cluster: "north"}
	c := registry.Instance{Addr: "10.0.0.3:80"}
	for _, i := range []registry.Instance{a, b, c} {
		if err := provider.Register(t.Context(), s, i); err != nil {
			t.Fatal(err)
		}
	}
	got := v.until(t, "all three", lists(a.Addr, b.Addr, c.Addr))
	if i := got.Instances[0]; i.Weight != 2 || i.Metadata["zone"] != "a" || i.Cluster != registry.DefaultCluster || !i.Usable() {
		t.Errorf("instance a came back as %+v", i)
	}
	if i := got.Instances[1]; i.Weight != 1 || i.Cluster != "north" {
		t.Errorf("instance b came back as %+v", i)
	}
	if err := provider.Deregister(t.Context(), s, b); err != nil {
		t.Fatal(err)
	}
	v.until(t, "without b", lists(a.Addr, c.Addr))
	for _, i := range []registry.Instance{a, c} {
		if err := provider.Deregister(t.Context(), s, i); err != nil {
			t.Fatal(err)
		}
	}
	v.until(t, "empty", lists())
}

func TestNamespaceAndGroupOfTheConnection(t *testing.T) {
	t.Parallel()
	cluster, s := nacostest.NewCluster(t, 1), service(t)
	c, err := nacossdk.Open(registry.Connection{Servers: cluster.Addrs(), Namespace: "prod", Group: "team"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	full := registry.Service{Namespace: "prod", Group: "team", Name: s.Name}
	if err := c.Register(patient(), s, instance); err != nil {
		t.Fatal(err)
	}
	if !listedOn(cluster.Node(0), full) {
		t.Error("registered elsewhere")
	}
	if got := watch(t, c, s).until(t, "registered", lists(instance.Addr)); got.Service != full {
		t.Errorf("the list is of %+v", got.Service)
	}
	if err := c.Deregister(patient(), full, instance); err != nil {
		t.Fatal(err)
	}
	watch(t, c, full).until(t, "gone", lists())

	k := registry.ConfigKey{DataID: "limits"}
	if err := c.Publish(patient(), registry.Document{Key: k, Content: "one"}); err != nil {
		t.Fatal(err)
	}
	want := registry.ConfigKey{Namespace: "prod", Group: "team", DataID: "limits"}
	if d, err := c.Read(patient(), k); err != nil || d.Key != want || d.Content != "one" {
		t.Errorf("read %+v, %v", d, err)
	}
	heard := make(chan registry.Document, 10)
	stop, err := c.Listen(t.Context(), k, func(d registry.Document, _ error) { heard <- d })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if d := <-heard; d.Key != want {
		t.Errorf("heard of %+v", d)
	}
	if _, err := c.Read(patient(), registry.ConfigKey{Namespace: "public", Group: "DEFAULT_GROUP", DataID: "limits"}); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("read from the default namespace: %v", err)
	}
}
