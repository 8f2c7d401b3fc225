package nacostest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

const (
	defaultNamespace = "public"
	defaultGroup     = "DEFAULT_GROUP"
	defaultCluster   = "DEFAULT"
)

// Instance is one entry of a service as a node sees it.
type Instance struct {
	IP        string
	Port      int
	Weight    float64
	Enabled   bool
	Healthy   bool
	Ephemeral bool
	Cluster   string // "DEFAULT" when empty
	Metadata  map[string]string
}

func (i Instance) clone() Instance {
	i.Metadata = maps.Clone(i.Metadata)
	return i
}

// same reports whether two registrations show as one entry, as on the Java server: only where nothing differs.
func (i Instance) same(o Instance) bool {
	return i.IP == o.IP && i.Port == o.Port && i.Cluster == o.Cluster && i.Weight == o.Weight &&
		i.Enabled == o.Enabled && i.Healthy == o.Healthy && i.Ephemeral == o.Ephemeral && maps.Equal(i.Metadata, o.Metadata)
}

func compareInstances(a, b Instance) int {
	return cmp.Or(cmp.Compare(a.IP, b.IP), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Weight, b.Weight))
}

// unite sorts the instances and drops repeated ones.
func unite(all []Instance) []Instance {
	slices.SortStableFunc(all, compareInstances)
	kept := all[:0]
	for _, i := range all {
		if !slices.ContainsFunc(kept[max(0, len(kept)-4):], i.same) {
			kept = append(kept, i)
		}
	}
	return kept
}

// serviceKey names a service within the cluster.
type serviceKey struct{ namespace, group, name string }

// newServiceKey fills in the defaults for people. On the wire nothing is filled in, as on the Java server.
func newServiceKey(namespace, group, name string) serviceKey {
	return serviceKey{cmp.Or(namespace, defaultNamespace), cmp.Or(group, defaultGroup), name}
}

func (k serviceKey) grouped() string { return k.group + "@@" + k.name }

// instanceKey names an entry of a service.
type instanceKey struct {
	service serviceKey
	cluster string
	ip      string
	port    int
}

func (k serviceKey) instance(i Instance) instanceKey {
	return instanceKey{k, cmp.Or(i.Cluster, defaultCluster), i.IP, i.Port}
}

func fromModel(m model.Instance) Instance {
	return Instance{
		IP: m.Ip, Port: int(m.Port), Weight: m.Weight, Enabled: m.Enable, Healthy: m.Healthy, Ephemeral: m.Ephemeral,
		Cluster: cmp.Or(m.ClusterName, defaultCluster), Metadata: maps.Clone(m.Metadata),
	}
}

func (i Instance) toModel(k serviceKey) model.Instance {
	metadata := i.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return model.Instance{
		Ip: i.IP, Port: uint64(i.Port), Weight: i.Weight, Enable: i.Enabled, Healthy: i.Healthy, Ephemeral: i.Ephemeral,
		ClusterName: i.Cluster, ServiceName: k.grouped(), Metadata: metadata,
		InstanceHeartBeatInterval: 5000, InstanceHeartBeatTimeOut: 15000, IpDeleteTimeout: 30000,
	}
}
