package nacostest_test

import (
	"fmt"
	"net/url"
	"slices"
	"time"
)

var namingBehaviours = []behaviour{
	{"a registered instance is seen on every node", func(b *bench) {
		h := host(8001)
		h.Weight, h.Metadata = 2.5, map[string]string{"zone": "a"}
		b.connect(0).register(b.service, h)
		for i := range b.addrs {
			got := b.shows(b.connect(i), 8001)
			if got.Name != b.service || got.GroupName != "DEFAULT_GROUP" {
				b.Errorf("named %q in %q", got.Name, got.GroupName)
			}
			seen := got.Hosts[0]
			if seen.IP != h.IP || seen.Weight != 2.5 || seen.Metadata["zone"] != "a" || !seen.Ephemeral || !seen.Healthy || !seen.Enabled {
				b.Errorf("seen as %+v", seen)
			}
			if seen.ServiceName != "DEFAULT_GROUP@@"+b.service || seen.ClusterName != "DEFAULT" {
				b.Errorf("belongs to %q, cluster %q", seen.ServiceName, seen.ClusterName)
			}
		}
	}},
	{"a subscriber gets the state, then a push for every change", func(b *bench) {
		provider, watcher := b.connect(0), b.connect(1)
		provider.register(b.service, host(8001))
		b.shows(watcher, 8001)
		if got := watcher.subscribe(b.service); !samePorts(got, []int{8001}) {
			b.Errorf("the answer to the subscription has %+v", got.Hosts)
		}
		first := watcher.await("NotifySubscriberRequest", hasPorts(8001))
		provider.deregister(b.service, host(8001))
		second := watcher.await("NotifySubscriberRequest", hasPorts())
		if second.ServiceInfo.LastRefTime <= first.ServiceInfo.LastRefTime {
			b.Errorf("reference time %d after %d", second.ServiceInfo.LastRefTime, first.ServiceInfo.LastRefTime)
		}
		if got := second.ServiceInfo; got.Name != b.service || got.GroupName != "DEFAULT_GROUP" {
			b.Errorf("pushed as %q in %q", got.Name, got.GroupName)
		}
	}},
	{"a second registration over one connection replaces the first", func(b *bench) {
		c := b.connect(0)
		c.register(b.service, host(8001))
		b.shows(c, 8001)
		c.register(b.service, host(8002))
		if b.flavour == "rnacos" {
			b.shows(c, 8001, 8002)
		} else {
			b.shows(c, 8002)
		}
	}},
	{"a batch registers several and replaces what was there", func(b *bench) {
		c := b.connect(0)
		c.ask("BatchInstanceRequest", of(b.service, body{"type": "batchRegisterInstance", "instances": []wireHost{host(8001), host(8002), host(8003)}}))
		b.shows(c, 8001, 8002, 8003)
		c.ask("BatchInstanceRequest", of(b.service, body{"type": "batchRegisterInstance", "instances": []wireHost{host(8002), host(8004)}}))
		if b.flavour == "rnacos" {
			b.shows(c, 8001, 8002, 8003, 8004)
		} else {
			b.shows(c, 8002, 8004)
		}
	}},
	{"instances go when their connection ends", func(b *bench) {
		provider, watcher := b.connect(0), b.connect(1)
		provider.register(b.service, host(8001))
		watcher.subscribe(b.service)
		watcher.await("NotifySubscriberRequest", hasPorts(8001))
		before := watcher.seen() // the first push may have been empty, too
		provider.close()
		watcher.awaitAfter(before, "NotifySubscriberRequest", hasPorts())
		b.shows(watcher)
	}},
	{"the same instance over two connections is one and stays while either does", func(b *bench) {
		one, two, watcher := b.connect(0), b.connect(1), b.connect(2)
		one.register(b.service, host(8001))
		if b.flavour == "rnacos" {
			time.Sleep(b.lag()) // nodes that hear of both at once may take the wrong one for the later
		}
		two.register(b.service, host(8001))
		b.shows(watcher, 8001)
		time.Sleep(b.lag()) // both registrations have arrived
		b.shows(watcher, 8001)
		one.close()
		time.Sleep(b.lag())
		b.shows(watcher, 8001)
		two.close()
		b.shows(watcher)
	}},
	{"a registration that differs from another of the same address is a second entry", func(b *bench) {
		if b.flavour == "rnacos" {
			b.connect(0).register(b.service, host(8001)) // keeps the last one instead
			b.shows(b.connect(1), 8001)
			return
		}
		light, heavy := host(8001), host(8001)
		heavy.Weight = 9
		b.connect(0).register(b.service, light)
		b.connect(1).register(b.service, heavy)
		b.shows(b.connect(2), 8001, 8001)
	}},
	{"registering again with other weight or metadata changes the instance", func(b *bench) {
		c, watcher := b.connect(0), b.connect(1)
		c.register(b.service, host(8001))
		watcher.subscribe(b.service)
		watcher.await("NotifySubscriberRequest", hasPorts(8001))
		h := host(8001)
		h.Weight, h.Metadata = 0, map[string]string{"v": "2"}
		time.Sleep(b.lag())
		c.register(b.service, h)
		watcher.await("NotifySubscriberRequest", func(p push) bool {
			return hasPorts(8001)(p) && p.ServiceInfo.Hosts[0].Weight == 0 && p.ServiceInfo.Hosts[0].Metadata["v"] == "2"
		})
	}},
	{"a disabled instance is not listed", func(b *bench) {
		c := b.connect(0)
		c.register(b.service, host(8001))
		b.shows(c, 8001)
		h := host(8001)
		h.Enabled = false
		time.Sleep(b.lag())
		c.register(b.service, h)
		if b.flavour == "rnacos" {
			b.eventually(func() bool {
				hosts := c.query(b.service).Hosts
				return len(hosts) == 0 || !hosts[0].Enabled
			}, func() string { return "the instance is still enabled" })
			return
		}
		b.shows(c)
	}},
	{"an unhealthy instance is listed unless only healthy ones are wanted", func(b *bench) {
		c := b.connect(0)
		h := host(8001)
		h.Healthy = false
		c.ask("BatchInstanceRequest", of(b.service, body{"type": "batchRegisterInstance", "instances": []wireHost{h, host(8002)}}))
		if b.flavour == "rnacos" {
			b.shows(c, 8002) // lists healthy ones only
			return
		}
		b.shows(c, 8001, 8002)
		if got := c.ask("ServiceQueryRequest", of(b.service, body{"healthyOnly": true})).ServiceInfo; !samePorts(got, []int{8002}) {
			b.Errorf("healthy ones: %+v", got.Hosts)
		}
	}},
	{"clusters of a service can be asked for", func(b *bench) {
		c := b.connect(0)
		one, two := host(8001), host(8002)
		one.ClusterName, two.ClusterName = "c1", "c2"
		c.ask("BatchInstanceRequest", of(b.service, body{"type": "batchRegisterInstance", "instances": []wireHost{one, two}}))
		b.shows(c, 8001, 8002)
		if b.flavour == "rnacos" {
			return // all clusters are given, whichever are asked for
		}
		if got := c.ask("ServiceQueryRequest", of(b.service, body{"cluster": "c1"})).ServiceInfo; !samePorts(got, []int{8001}) {
			b.Errorf("queried %+v", got.Hosts)
		}
		got := c.ask("SubscribeServiceRequest", of(b.service, body{"subscribe": true, "clusters": "c1"})).ServiceInfo
		if !samePorts(got, []int{8001}) || got.Clusters != "c1" {
			b.Errorf("answered %+v of %q", got.Hosts, got.Clusters)
		}
		c.await("NotifySubscriberRequest", func(p push) bool { return p.ServiceInfo.Clusters == "c1" && hasPorts(8001)(p) })
	}},
	{"deregistering removes all that the connection has of the service", func(b *bench) {
		c := b.connect(0)
		c.ask("BatchInstanceRequest", of(b.service, body{"type": "batchRegisterInstance", "instances": []wireHost{host(8001), host(8002)}}))
		b.shows(c, 8001, 8002)
		c.deregister(b.service, host(8001))
		if b.flavour == "rnacos" {
			b.shows(c, 8002)
		} else {
			b.shows(c)
		}
		c.deregister(b.service, host(8001)) // once more is no error
	}},
	{"services are listed by group, in pages", func(b *bench) {
		c, group := b.connect(0), "G"+b.service
		for _, name := range []string{"one", "two", "three"} {
			c.ask("InstanceRequest", of(name, body{"groupName": group, "type": "registerInstance", "instance": host(8001)}))
		}
		page := func(n int) answer {
			return c.ask("ServiceListRequest", of("", body{"groupName": group, "pageNo": n, "pageSize": 2, "selector": ""}))
		}
		b.eventually(func() bool { return page(1).Count == 3 }, func() string { return fmt.Sprintf("listed %+v", page(1)) })
		names := append(page(1).ServiceNames, page(2).ServiceNames...)
		slices.Sort(names)
		if !slices.Equal(names, []string{"one", "three", "two"}) || len(page(3).ServiceNames) != 0 {
			b.Errorf("pages hold %q, then %q", names, page(3).ServiceNames)
		}
	}},
	{"unsubscribing ends the pushes", func(b *bench) {
		c := b.connect(0)
		c.register(b.service, host(8001))
		c.subscribe(b.service)
		c.await("NotifySubscriberRequest", hasPorts(8001))
		c.ask("SubscribeServiceRequest", of(b.service, body{"subscribe": false, "clusters": ""}))
		time.Sleep(b.lag())
		before := c.seen()
		c.deregister(b.service, host(8001))
		b.shows(c)
		time.Sleep(b.lag())
		if more := c.all()[before:]; slices.ContainsFunc(more, func(p push) bool { return p.Type == "NotifySubscriberRequest" }) {
			b.Errorf("pushed %+v", more)
		}
	}},
	{"an unknown service is empty, not an error", func(b *bench) {
		if got := b.connect(0).query(b.service); len(got.Hosts) != 0 || got.Name != b.service {
			b.Errorf("answered %+v", got)
		}
	}},
	{"a bad request is answered with an error and harms nothing else", func(b *bench) {
		c := b.connect(0)
		c.register(b.service, host(8001))
		c.subscribe(b.service)
		bad := func(requestType string, wrong body) {
			b.Helper()
			if a, err := c.try(requestType, wrong); err != nil || a.ResultCode == 200 {
				b.Errorf("%s %v: %+v, %v", requestType, wrong, a, err)
			}
		}
		bad("NoSuchRequest", body{})
		bad("InstanceRequest", of(b.service, body{"type": "registerInstance", "instance": "text"}))
		if b.flavour != "rnacos" {
			bad("ConfigPublishRequest", b.config(body{"content": ""}))
			c.refused("NoSuchRequest", body{}, 302)
			c.refused("InstanceRequest", of(b.service, body{"type": "no such", "instance": host(8001)}), 400)
			odd := host(8001)
			odd.ClusterName = "not_allowed"
			c.refused("InstanceRequest", of(b.service, body{"type": "registerInstance", "instance": odd}), 400)
			c.refused("ConfigPublishRequest", b.config(body{"dataId": "a b", "content": "x"}), 400)
		}
		c.await("NotifySubscriberRequest", hasPorts(8001))
		b.shows(c, 8001)
	}},
	{"a request before the set-up is refused", func(b *bench) {
		c := b.dial(0)
		c.refused("ServiceQueryRequest", of(b.service, body{}), 301)
	}},
	{"an edit in the console overrides the client's registration, also a later one", func(b *bench) {
		c := b.connect(0)
		h := host(8001)
		h.Metadata = map[string]string{"own": "1", "both": "1"}
		c.register(b.service, h)
		b.shows(c, 8001)
		time.Sleep(b.lag()) // the edit may be passed on to another node
		form := url.Values{
			"serviceName": {b.service}, "ip": {h.IP}, "port": {"8001"}, "weight": {"7"}, "enabled": {"true"}, "ephemeral": {"true"},
			"metadata": {`{"both":"2"}`},
		}
		if code, answer := b.web("PUT", "/v1/ns/instance", form); code != 200 {
			b.Fatalf("the edit was answered %d %s", code, answer)
		}
		edited := func() bool {
			hosts := c.query(b.service).Hosts
			return len(hosts) == 1 && hosts[0].Weight == 7 && hosts[0].Metadata["both"] == "2"
		}
		b.eventually(edited, func() string { return fmt.Sprintf("not edited: %+v", c.query(b.service)) })
		if b.flavour == "rnacos" {
			return // a later registration with a weight of its own wins there
		}
		h.Weight = 3
		c.register(b.service, h)
		time.Sleep(b.lag())
		if !edited() {
			b.Errorf("the edit did not last: %+v", c.query(b.service))
		}
	}},
}
