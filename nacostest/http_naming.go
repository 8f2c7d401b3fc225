package nacostest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// serviceOf reads the service from a form; its name may carry the group, as in "group@@name".
func serviceOf(in *http.Request) (serviceKey, error) {
	group, name := in.FormValue("groupName"), in.FormValue("serviceName")
	if g, rest, ok := strings.Cut(name, "@@"); ok {
		group, name = g, rest
	}
	key := newServiceKey(in.FormValue("namespaceId"), group, name)
	return key, checkService(key)
}

// instanceOf reads an instance from a form; what is missing is as in base.
func instanceOf(in *http.Request, base Instance) (Instance, error) {
	i := base
	i.IP = in.FormValue("ip")
	i.Cluster = cmp.Or(in.FormValue("clusterName"), in.FormValue("cluster"), base.Cluster, defaultCluster)
	port, err := strconv.Atoi(in.FormValue("port"))
	if err != nil {
		return i, refuse(codeInvalidParam, "Param 'port' is illegal: %q", in.FormValue("port"))
	}
	i.Port = port
	if s := in.FormValue("weight"); s != "" {
		if i.Weight, err = strconv.ParseFloat(s, 64); err != nil {
			return i, refuse(codeInvalidParam, "Param 'weight' is illegal: %q", s)
		}
		if i.Weight != legalWeight(i.Weight) {
			return i, refuse(codeInvalidParam, "instance format invalid: The weights range from 0 to %d", maxWeight)
		}
	}
	if s := in.FormValue("metadata"); s != "" {
		i.Metadata = nil
		if err = json.Unmarshal([]byte(s), &i.Metadata); err != nil {
			return i, refuse(codeInvalidParam, "Param 'metadata' is illegal: %v", err)
		}
	}
	i.Enabled = flag(in, "enabled", flag(in, "enable", i.Enabled))
	i.Healthy = flag(in, "healthy", i.Healthy)
	i.Ephemeral = flag(in, "ephemeral", i.Ephemeral)
	return i, checkInstance(i)
}

func flag(in *http.Request, name string, otherwise bool) bool {
	if s := in.FormValue(name); s != "" {
		return s == "true"
	}
	return otherwise
}

// publisherOf is the identity that an ephemeral instance has which no connection published.
func publisherOf(i Instance) string { return i.IP + ":" + strconv.Itoa(i.Port) + "#true" }

// registerInstance registers a persistent instance, or an ephemeral one that stays, without heartbeats, until it is
// deregistered or the node dies.
func (w web) registerInstance(in *http.Request) (page, error) {
	key, err := serviceOf(in)
	if err != nil {
		return page{}, err
	}
	i, err := instanceOf(in, Instance{Weight: 1, Enabled: true, Healthy: true, Ephemeral: true})
	if err != nil {
		return page{}, err
	}
	if err := w.run.node.kind(key, i.Ephemeral); err != nil {
		return page{}, err
	}
	if i.Ephemeral {
		w.run.node.publish(publisherOf(i), key, []Instance{i})
	} else {
		w.run.node.setPersistent(key, i)
	}
	return text(http.StatusOK, "ok"), nil
}

func (w web) deregisterInstance(in *http.Request) (page, error) {
	key, err := serviceOf(in)
	if err != nil {
		return page{}, err
	}
	i, err := instanceOf(in, Instance{Ephemeral: true})
	if err != nil {
		return page{}, err
	}
	if i.Ephemeral {
		w.run.node.owner(publisherOf(i)).publish(publisherOf(i), key, nil)
	} else {
		w.run.node.removePersistent(key.instance(i))
	}
	return text(http.StatusOK, "ok"), nil
}

// owner is the node that a publisher belongs to, as far as it can be reached, or the node itself.
func (n *Node) owner(publisher string) *Node {
	if p := n.publishers[publisher]; p != nil && n.cluster.linked(n.index, p.node) {
		return n.cluster.nodes[p.node]
	}
	return n
}

// updateInstance is what the console calls: it overrides what the instance's client registers.
func (w web) updateInstance(in *http.Request) (page, error) {
	key, err := serviceOf(in)
	if err != nil {
		return page{}, err
	}
	i, err := instanceOf(in, Instance{Weight: 1, Enabled: true})
	if err != nil {
		return page{}, err
	}
	if !w.run.node.exists(key) {
		return page{}, refuse(codeInvalidParam, "service not found, namespace: %s, service: %s", key.namespace, key.grouped())
	}
	w.run.node.edit(key, i)
	return text(http.StatusOK, "ok"), nil
}

func (w web) listInstances(in *http.Request) (page, error) {
	key, err := serviceOf(in)
	if err != nil {
		return page{}, err
	}
	n := w.run.node
	info := n.serviceInfo(key, n.view(key), in.FormValue("clusters"), flag(in, "healthyOnly", false))
	info.Name = key.grouped()
	return asJSON(info), nil
}
