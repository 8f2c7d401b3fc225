//go:build !race

// The SDK has data races of its own when it reconnects and when it is closed, so this is not for the race detector.

package nacostest_test

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/config_client"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/holdfast-go/holdfast/nacostest"
)

// The official SDK's own clients against a cluster.

func sdkParam(t *testing.T, c *nacostest.Cluster, user, password string) vo.NacosClientParam {
	t.Helper()
	var servers []constant.ServerConfig
	for _, addr := range c.Addrs() {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, *constant.NewServerConfig(host, number))
	}
	return vo.NacosClientParam{
		ServerConfigs: servers,
		ClientConfig: constant.NewClientConfig(
			constant.WithTimeoutMs(3000), constant.WithNotLoadCacheAtStart(true), constant.WithUpdateCacheWhenEmpty(true),
			constant.WithLogDir(sdkFolder(t)), constant.WithCacheDir(sdkFolder(t)), constant.WithLogLevel("error"),
			constant.WithUsername(user), constant.WithPassword(password),
		),
	}
}

// sdkFolder is a temporary folder that may still be written to for a moment after the test.
func sdkFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "nacostest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, func() bool { return os.RemoveAll(folder) == nil }, func() string { return folder + " cannot be removed" })
	})
	return folder
}

func sdkNaming(t *testing.T, c *nacostest.Cluster) naming_client.INamingClient {
	t.Helper()
	client, err := clients.NewNamingClient(sdkParam(t, c, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseClient)
	// A client subscribes twice, and may take the older answer for the newer, when it is used before it has noticed that
	// it is connected.
	_, _ = client.GetAllServicesInfo(vo.GetAllServiceInfoParam{PageNo: 1, PageSize: 1})
	return client
}

func sdkConfig(t *testing.T, c *nacostest.Cluster) config_client.IConfigClient {
	t.Helper()
	client, err := clients.NewConfigClient(sdkParam(t, c, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseClient)
	return client
}

// latest keeps what a callback was given last.
type latest[T any] struct {
	mu    sync.Mutex
	value T
}

func (l *latest[T]) set(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value = v
}

func (l *latest[T]) get() T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value
}

func must(t *testing.T) func(bool, error) {
	return func(ok bool, err error) {
		t.Helper()
		if err != nil || !ok {
			t.Fatalf("%v, %v", ok, err)
		}
	}
}

func sdkInstance(service string, port uint64) vo.RegisterInstanceParam {
	return vo.RegisterInstanceParam{
		ServiceName: service, Ip: "10.0.0.1", Port: port, Weight: 2, Enable: true, Healthy: true, Ephemeral: true,
		Metadata: map[string]string{"zone": "a"},
	}
}

// subscribed subscribes a client and returns what shows the ports that it was told last.
func subscribed(t *testing.T, client naming_client.INamingClient, service string) func() []uint64 {
	t.Helper()
	var seen latest[[]uint64]
	err := client.Subscribe(&vo.SubscribeParam{ServiceName: service, SubscribeCallback: func(all []model.Instance, err error) {
		ports := []uint64{}
		for _, i := range all {
			ports = append(ports, i.Port)
		}
		slices.Sort(ports)
		seen.set(ports)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return seen.get
}

func awaitEqual[T comparable](t *testing.T, get func() []T, want ...T) {
	t.Helper()
	eventually(t, func() bool { return slices.Equal(get(), want) }, func() string { return fmt.Sprintf("got %v, want %v", get(), want) })
}

func TestSDKNaming(t *testing.T) {
	c := nacostest.NewCluster(t, 3)
	provider, consumer := sdkNaming(t, c), sdkNaming(t, c)
	seen := subscribed(t, consumer, "orders")
	must(t)(provider.RegisterInstance(sdkInstance("orders", 8001)))
	awaitEqual(t, seen, 8001)

	all, err := consumer.SelectInstances(vo.SelectInstancesParam{ServiceName: "orders", HealthyOnly: true})
	if err != nil || len(all) != 1 || all[0].Ip != "10.0.0.1" || all[0].Weight != 2 || all[0].Metadata["zone"] != "a" || all[0].ServiceName != "DEFAULT_GROUP@@orders" {
		t.Errorf("selected %+v, %v", all, err)
	}
	must(t)(provider.DeregisterInstance(vo.DeregisterInstanceParam{ServiceName: "orders", Ip: "10.0.0.1", Port: 8001, Ephemeral: true}))
	awaitEqual(t, seen)

	must(t)(provider.BatchRegisterInstance(vo.BatchRegisterInstanceParam{
		ServiceName: "orders", Instances: []vo.RegisterInstanceParam{sdkInstance("", 8001), sdkInstance("", 8002)},
	}))
	awaitEqual(t, seen, 8001, 8002)
	services := func() []string {
		list, err := consumer.GetAllServicesInfo(vo.GetAllServiceInfoParam{PageNo: 1, PageSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		return list.Doms
	}
	awaitEqual(t, services, "orders")

	persistent := sdkInstance("fixed", 9001)
	persistent.Ephemeral = false
	must(t)(provider.RegisterInstance(persistent)) // the SDK does this over HTTP
	awaitEqual(t, services, "fixed", "orders")
	awaitPorts(t, c.Node(2), "fixed", 9001)
	must(t)(provider.DeregisterInstance(vo.DeregisterInstanceParam{ServiceName: "fixed", Ip: "10.0.0.1", Port: 9001}))
	awaitPorts(t, c.Node(2), "fixed")
}

// settled waits until the SDK is done with a change of a config: while it compares, it loses the notice of another.
func settled(t *testing.T, c *nacostest.Cluster) {
	t.Helper()
	last, since := 0, time.Now()
	eventually(t, func() bool {
		if now := c.Requests("ConfigBatchListenRequest"); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 100*time.Millisecond
	}, func() string { return "the SDK goes on comparing" })
}

func TestSDKConfig(t *testing.T) {
	c := nacostest.NewCluster(t, 3)
	publisher, listener := sdkConfig(t, c), sdkConfig(t, c)
	var seen latest[string]
	param := vo.ConfigParam{DataId: "app", Group: "G", OnChange: func(_, group, dataID, data string) { seen.set(group + "/" + dataID + ": " + data) }}
	if err := listener.ListenConfig(param); err != nil {
		t.Fatal(err)
	}
	must(t)(publisher.PublishConfig(vo.ConfigParam{DataId: "app", Group: "G", Content: "one"}))
	eventually(t, func() bool { return seen.get() == "G/app: one" }, func() string { return fmt.Sprintf("told %q", seen.get()) })
	if got, err := listener.GetConfig(vo.ConfigParam{DataId: "app", Group: "G"}); err != nil || got != "one" {
		t.Errorf("read %q, %v", got, err)
	}
	settled(t, c)
	c.Publish("", "G", "app", "two")
	eventually(t, func() bool { return seen.get() == "G/app: two" }, func() string { return fmt.Sprintf("told %q", seen.get()) })
	settled(t, c)
	must(t)(publisher.DeleteConfig(vo.ConfigParam{DataId: "app", Group: "G"}))
	eventually(t, func() bool {
		got, err := publisher.GetConfig(vo.ConfigParam{DataId: "app", Group: "G"})
		return err == nil && got == ""
	}, func() string { return "the config is still there" })
	eventually(t, func() bool { return seen.get() == "G/app: " }, func() string { return fmt.Sprintf("told %q", seen.get()) })
}

func TestSDKLogin(t *testing.T) {
	c := nacostest.NewCluster(t, 1, nacostest.WithAuth("nacos", "secret", time.Hour))
	known, err := clients.NewNamingClient(sdkParam(t, c, "nacos", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(known.CloseClient)
	must(t)(known.RegisterInstance(sdkInstance("orders", 8001)))
	stranger := sdkNaming(t, c)
	if ok, _ := stranger.RegisterInstance(sdkInstance("orders", 8002)); ok {
		t.Error("registered without a login")
	}
	awaitPorts(t, c.Node(0), "orders", 8001)
}
