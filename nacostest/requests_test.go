package nacostest_test

// The usual requests.

func of(service string, more body) body {
	b := body{"module": "naming", "namespace": "public", "groupName": "DEFAULT_GROUP", "serviceName": service}
	for k, v := range more {
		b[k] = v
	}
	return b
}

func host(port int) wireHost {
	return wireHost{IP: "10.1.2.3", Port: port, Weight: 1, Enabled: true, Healthy: true, Ephemeral: true}
}

func (c *client) register(service string, h wireHost) {
	c.tb.Helper()
	c.ask("InstanceRequest", of(service, body{"type": "registerInstance", "instance": h}))
}

func (c *client) deregister(service string, h wireHost) {
	c.tb.Helper()
	c.ask("InstanceRequest", of(service, body{"type": "deregisterInstance", "instance": h}))
}

func (c *client) subscribe(service string) serviceInfo {
	c.tb.Helper()
	return c.ask("SubscribeServiceRequest", of(service, body{"subscribe": true, "clusters": ""})).ServiceInfo
}

func (c *client) query(service string) serviceInfo {
	c.tb.Helper()
	return c.ask("ServiceQueryRequest", of(service, body{"cluster": "", "healthyOnly": false, "udpPort": 0})).ServiceInfo
}

func (s serviceInfo) ports() []int {
	ports := make([]int, 0, len(s.Hosts))
	for _, h := range s.Hosts {
		ports = append(ports, h.Port)
	}
	return ports
}
