package nacostest_test

import (
	"encoding/json"
	"net"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
)

func TestStartWithoutATest(t *testing.T) {
	if _, err := nacostest.Start(0); err == nil {
		t.Error("a cluster of no nodes was started")
	}
	c, err := nacostest.Start(2)
	if err != nil {
		t.Fatal(err)
	}
	connect(t, c.Addrs()[1])
	for i, n := range c.Nodes() {
		_, web, _ := net.SplitHostPort(n.Addr())
		_, rpc, _ := net.SplitHostPort(n.GRPCAddr())
		a, _ := strconv.Atoi(web)
		b, _ := strconv.Atoi(rpc)
		if b != a+1000 || c.Addrs()[i] != n.Addr() || c.Node(i) != n {
			t.Errorf("node %d is at %s and %s", i, n.Addr(), n.GRPCAddr())
		}
	}
	c.Close()
	c.Close()
	if c.Node(0).Up() || c.Node(0).Restart(true) == nil {
		t.Error("a closed cluster has a living node")
	}
	if c.Publish("", "", "app", "x") {
		t.Error("a closed cluster took a config")
	}
}

func TestClustersAreSeparate(t *testing.T) {
	one, two := nacostest.NewCluster(t, 1), nacostest.NewCluster(t, 1)
	connect(t, one.Addrs()[0]).register("orders", host(8001))
	awaitPorts(t, one.Node(0), "orders", 8001)
	awaitPorts(t, two.Node(0), "orders")
}

func TestNamespacesAndGroupsAreSeparate(t *testing.T) {
	c := nacostest.NewCluster(t, 1)
	connect(t, c.Addrs()[0]).ask("InstanceRequest", of("orders", body{
		"namespace": "shop", "groupName": "G", "type": "registerInstance", "instance": host(8001),
	}))
	if got := c.Node(0).Instances("shop", "G", "orders"); len(got) != 1 || got[0].Port != 8001 || got[0].Cluster != "DEFAULT" {
		t.Errorf("got %+v", got)
	}
	if len(c.Node(0).Instances("", "G", "orders"))+len(c.Node(0).Instances("shop", "", "orders")) != 0 {
		t.Error("seen elsewhere")
	}
}

func TestSetInstance(t *testing.T) {
	c := nacostest.NewCluster(t, 2)
	provider, watcher := connect(t, c.Addrs()[0]), connect(t, c.Addrs()[1])
	watcher.subscribe("orders")
	if c.Node(1).Subscribers("", "", "orders") != 1 || c.Node(0).Subscribers("", "", "orders") != 0 {
		t.Error("subscribers counted wrongly")
	}
	provider.register("orders", host(8001))
	watcher.await("NotifySubscriberRequest", hasPorts(8001))
	before := watcher.seen()
	c.SetInstance("", "", "orders", nacostest.Instance{IP: "10.1.2.3", Port: 8001, Enabled: false})
	watcher.awaitAfter(before, "NotifySubscriberRequest", hasPorts()) // disabled ones are not listed
	provider.deregister("orders", host(8001))
	awaitPorts(t, c.Node(1), "orders")
	provider.register("orders", host(8001))
	awaitPorts(t, c.Node(1), "orders", 8001)
	if got := c.Node(1).Instances("", "", "orders")[0]; got.Enabled || got.Weight != 0 {
		t.Errorf("the edit was forgotten: %+v", got)
	}
	c.SetInstance("", "", "orders", nacostest.Instance{IP: "10.1.2.3", Port: 8001, Enabled: true, Weight: 5, Metadata: map[string]string{"a": "b"}})
	watcher.await("NotifySubscriberRequest", func(p push) bool {
		return hasPorts(8001)(p) && p.ServiceInfo.Hosts[0].Weight == 5 && p.ServiceInfo.Hosts[0].Metadata["a"] == "b"
	})
}

func TestPersistentInstancesBelongToNoConnection(t *testing.T) {
	c := nacostest.NewCluster(t, 2)
	client := connect(t, c.Addrs()[0])
	client.ask("PersistentInstanceRequest", of("fixed", body{"type": "registerInstance", "instance": host(8001)}))
	client.refused("InstanceRequest", of("fixed", body{"type": "registerInstance", "instance": host(8002)}), 400)
	client.close()
	awaitPorts(t, c.Node(1), "fixed", 8001)
	if c.Node(1).Instances("", "", "fixed")[0].Ephemeral {
		t.Error("the instance is ephemeral")
	}
	c.Cut(0, 1)
	other := connect(t, c.Addrs()[1])
	other.ask("PersistentInstanceRequest", of("fixed", body{"type": "deregisterInstance", "instance": host(8001)}))
	client = connect(t, c.Addrs()[0])
	client.ask("PersistentInstanceRequest", of("late", body{"type": "registerInstance", "instance": host(8002)}))
	other.ask("PersistentInstanceRequest", of("late", body{"type": "deregisterInstance", "instance": host(8002)})) // not known there yet
	c.Join(0, 1)
	awaitPorts(t, c.Node(0), "fixed")
	awaitPorts(t, c.Node(0), "late")
}

func TestConfigConflict(t *testing.T) {
	c := nacostest.NewCluster(t, 1)
	client := connect(t, c.Addrs()[0])
	publish := func(content, cas string) body {
		return body{"tenant": "", "group": "G", "dataId": "app", "content": content, "casMd5": cas}
	}
	client.ask("ConfigPublishRequest", publish("one", ""))
	client.refused("ConfigPublishRequest", publish("two", md5Of("another")), 500)
	client.ask("ConfigPublishRequest", publish("two", md5Of("one")))
	c.Remove("", "G", "app")
	client.refused("ConfigQueryRequest", body{"tenant": "", "group": "G", "dataId": "app"}, 300)
}

func TestLogin(t *testing.T) {
	c := nacostest.NewCluster(t, 2, nacostest.WithAuth("nacos", "secret", time.Hour))
	login := func(password string) (int, string) {
		code, answer := web(t, "POST", c.Addrs()[0], "/v1/auth/users/login", url.Values{"username": {"nacos"}, "password": {password}})
		var token struct {
			AccessToken string `json:"accessToken"`
			TokenTTL    int    `json:"tokenTtl"`
		}
		if code == 200 && (json.Unmarshal([]byte(answer), &token) != nil || token.TokenTTL != 3600) {
			t.Errorf("login answered %s", answer)
		}
		return code, token.AccessToken
	}
	if code, _ := login("wrong"); code != 403 {
		t.Errorf("a wrong password was answered %d", code)
	}
	_, token := login("secret")
	client := connect(t, c.Addrs()[1]) // a connection needs no login
	secured := []string{
		"InstanceRequest", "BatchInstanceRequest", "PersistentInstanceRequest", "SubscribeServiceRequest", "ServiceQueryRequest",
		"ServiceListRequest", "ConfigQueryRequest", "ConfigPublishRequest", "ConfigRemoveRequest", "ConfigBatchListenRequest",
	}
	for _, requestType := range secured {
		if a := client.refused(requestType, of("orders", nil), 403); a.Type == "ErrorResponse" {
			t.Errorf("%s was refused with an %s", requestType, a.Type)
		}
	}
	client.token = token
	client.register("orders", host(8001))
	if code, _ := web(t, "GET", c.Addrs()[0], "/v1/ns/instance/list", url.Values{"serviceName": {"orders"}}); code != 403 {
		t.Errorf("HTTP without a token was answered %d", code)
	}
	if code, _ := web(t, "GET", c.Addrs()[0], "/v1/ns/instance/list", url.Values{"serviceName": {"orders"}, "accessToken": {token}}); code != 200 {
		t.Errorf("HTTP with a token was answered %d", code)
	}
	c.SetPassword("new")
	client.refused("ServiceQueryRequest", of("orders", nil), 403)
	if code, _ := login("secret"); code != 403 {
		t.Errorf("the old password was answered %d", code)
	}
	if _, client.token = login("new"); client.token == "" {
		t.Error("the new password was refused")
	}
	client.query("orders")
}

func TestTokensExpire(t *testing.T) {
	c := nacostest.NewCluster(t, 1, nacostest.WithAuth("nacos", "secret", -time.Second))
	client := connect(t, c.Addrs()[0])
	_, answer := web(t, "POST", c.Addrs()[0], "/v1/auth/users/login", url.Values{"username": {"nacos"}, "password": {"secret"}})
	var token struct {
		AccessToken string `json:"accessToken"`
	}
	if err := json.Unmarshal([]byte(answer), &token); err != nil || token.AccessToken == "" {
		t.Fatalf("login answered %s", answer)
	}
	client.token = token.AccessToken
	client.refused("ServiceQueryRequest", of("orders", nil), 403)
}

func TestHTTP(t *testing.T) {
	c := nacostest.NewCluster(t, 2)
	call := func(node int, method, path string, form url.Values, want int) string {
		t.Helper()
		code, answer := web(t, method, c.Addrs()[node], path, form)
		if code != want {
			t.Errorf("%s %s %v: %d %s, want %d", method, path, form, code, answer, want)
		}
		return answer
	}
	instance := func(service string, more url.Values) url.Values {
		all := url.Values{"serviceName": {service}, "ip": {"10.0.0.1"}, "port": {"8001"}}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	call(0, "GET", "/v1/console/health/liveness", nil, 200)
	call(0, "GET", "/v2/console/health/readiness", nil, 200)

	persistent := instance("fixed", url.Values{"ephemeral": {"false"}, "weight": {"3"}, "metadata": {`{"a":"b"}`}})
	call(0, "POST", "/v1/ns/instance", persistent, 200)
	awaitPorts(t, c.Node(1), "fixed", 8001)
	if got := c.Node(1).Instances("", "", "fixed")[0]; got.Weight != 3 || got.Metadata["a"] != "b" || got.Ephemeral {
		t.Errorf("registered as %+v", got)
	}
	call(1, "PUT", "/v1/ns/instance", instance("fixed", url.Values{"weight": {"4"}}), 200)
	var list serviceInfo
	if err := json.Unmarshal([]byte(call(1, "GET", "/v1/ns/instance/list", url.Values{"serviceName": {"DEFAULT_GROUP@@fixed"}}, 200)), &list); err != nil {
		t.Fatal(err)
	}
	if list.Name != "DEFAULT_GROUP@@fixed" || !samePorts(list, []int{8001}) || list.Hosts[0].Weight != 4 {
		t.Errorf("listed as %+v", list)
	}
	call(1, "DELETE", "/v1/ns/instance", persistent, 200)
	awaitPorts(t, c.Node(0), "fixed")

	call(0, "POST", "/v1/ns/instance", instance("passing", nil), 200)
	awaitPorts(t, c.Node(1), "passing", 8001)
	call(0, "POST", "/v1/ns/instance", instance("passing", url.Values{"ephemeral": {"false"}}), 400)
	call(1, "DELETE", "/v1/ns/instance", instance("passing", nil), 200)
	awaitPorts(t, c.Node(0), "passing")

	call(0, "PUT", "/v1/ns/instance", instance("unknown", nil), 400)
	call(0, "POST", "/v1/ns/instance", instance("", nil), 400)
	call(0, "POST", "/v1/ns/instance", instance("x", url.Values{"port": {"http"}}), 400)
	for _, weight := range []string{"heavy", "NaN", "Inf", "-Inf", "-0.5", "10000.5", "1e999"} {
		call(0, "POST", "/v1/ns/instance", instance("x", url.Values{"weight": {weight}}), 400)
		call(0, "PUT", "/v1/ns/instance", instance("x", url.Values{"weight": {weight}}), 400)
	}
	call(0, "POST", "/v1/ns/instance", instance("x", url.Values{"metadata": {"{"}}), 400)

	config := url.Values{"dataId": {"app"}, "group": {"G"}, "content": {"x"}}
	call(0, "GET", "/v1/cs/configs", config, 404)
	call(0, "POST", "/v1/cs/configs", config, 200)
	if got := call(0, "GET", "/v1/cs/configs", config, 200); got != "x" {
		t.Errorf("the config is %q", got)
	}
	call(0, "DELETE", "/v1/cs/configs", config, 200)
	call(0, "GET", "/v1/cs/configs", config, 404)
	call(0, "POST", "/v1/cs/configs", url.Values{"dataId": {"a b"}, "content": {"x"}}, 400)
	call(0, "POST", "/v1/cs/configs", url.Values{"dataId": {"app"}}, 400)
}
