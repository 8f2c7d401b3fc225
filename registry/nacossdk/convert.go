package nacossdk

import (
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

// toModel writes an instance as the servers want it. The address has been validated. A disabled one gets weight 0 instead:
// the servers leave disabled ones out of their lists, so that callers could not tell leave from loss.
func toModel(s registry.Service, i registry.Instance) model.Instance {
	host, port, _ := i.HostPort()
	i = asShown(i)
	metadata := i.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return model.Instance{
		Ip: host, Port: uint64(port), Weight: i.Weight, Healthy: !i.Unhealthy, Enable: true, Ephemeral: !i.Persistent,
		ClusterName: i.Cluster, ServiceName: s.Name, Metadata: metadata,
	}
}

// asShown is a declared instance as servers list it.
func asShown(i registry.Instance) registry.Instance {
	if i.Disabled {
		i.Weight = 0
	}
	return i
}

// fromModel reads what a server lists. The result owns its metadata, as every message is decoded anew.
func fromModel(hosts []model.Instance) []registry.Instance {
	instances := make([]registry.Instance, 0, len(hosts))
	for _, h := range hosts {
		if h.Ip == "" || h.Port == 0 || h.Port > math.MaxUint16 {
			continue // nobody could call it
		}
		i := registry.Instance{
			Addr: net.JoinHostPort(h.Ip, strconv.FormatUint(h.Port, 10)), Cluster: h.ClusterName,
			Weight: clampWeight(h.Weight), Disabled: !h.Enable, Unhealthy: !h.Healthy, Persistent: !h.Ephemeral,
			Metadata: h.Metadata,
		}
		if i.Cluster == "" {
			i.Cluster = registry.DefaultCluster
		}
		if i.Weight == 0 {
			i.Disabled = true
		}
		instances = append(instances, i)
	}
	return registry.Normalize(instances)
}

func clampWeight(w float64) float64 {
	if !(w > 0) { // also not a number
		return 0
	}
	return min(w, registry.MaxWeight)
}

// place is what makes an instance one and the same.
type place struct{ addr, cluster string }

func placeOf(i registry.Instance) place { return place{i.Addr, i.Cluster} }

func serverConfigs(servers []registry.Server) []constant.ServerConfig {
	configs := make([]constant.ServerConfig, 0, len(servers))
	for _, s := range servers {
		host := s.Host
		if strings.Contains(host, ":") { // the SDK joins host and port without a thought for IPv6
			host = "[" + host + "]"
		}
		configs = append(configs, constant.ServerConfig{
			Scheme: "http", ContextPath: s.ContextPath, IpAddr: host, Port: uint64(s.Port), GrpcPort: uint64(s.GRPCPort),
		})
	}
	return configs
}
