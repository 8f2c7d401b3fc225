package registry

import (
	"maps"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/holdfast-go/holdfast/internal/field"
)

// DefaultCluster is the Nacos cluster of an instance that names none.
const DefaultCluster = "DEFAULT"

// MaxWeight is the greatest weight that Nacos keeps.
const MaxWeight = 10_000

// Instance is one address at which a service answers. It is a value: whoever hands one out has copied its Metadata.
type Instance struct {
	Addr    string // "10.0.0.7:8080", "[fd00::7]:8080" or "host:port"
	Cluster string // "" means DefaultCluster

	// Weight is the share of the traffic in relation to the other instances, at most MaxWeight. 0 means 1 where an
	// instance is declared; in a Snapshot an instance that the registry gives weight 0 has Disabled set.
	Weight float64

	Disabled   bool // takes no traffic, by its own or an operator's wish
	Unhealthy  bool // the registry's own checks say so
	Persistent bool // stays in the registry when its process ends

	Metadata map[string]string

	// Unconfirmed: known from before an outage of the registry, and not listed since. Set by Keeper.
	Unconfirmed bool
}

// WithDefaults names the default cluster and weight where none is given.
func (i Instance) WithDefaults() Instance {
	if i.Cluster == "" {
		i.Cluster = DefaultCluster
	}
	if i.Weight == 0 && !i.Disabled {
		i.Weight = 1
	}
	return i
}

// Usable reports whether the instance may get traffic.
func (i Instance) Usable() bool { return !i.Disabled && !i.Unhealthy && i.Weight > 0 }

// Equal reports whether both say the same.
func (i Instance) Equal(o Instance) bool {
	return i.Addr == o.Addr && i.Cluster == o.Cluster && i.Weight == o.Weight && i.Disabled == o.Disabled &&
		i.Unhealthy == o.Unhealthy && i.Persistent == o.Persistent && i.Unconfirmed == o.Unconfirmed && maps.Equal(i.Metadata, o.Metadata)
}

// Clone copies the instance with its metadata.
func (i Instance) Clone() Instance {
	i.Metadata = maps.Clone(i.Metadata)
	return i
}

// HostPort splits the address. It must be written as the servers will: "a:080" and "[10.0.0.7]:80" are refused.
func (i Instance) HostPort() (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(i.Addr)
	if err != nil {
		return "", 0, field.New("instance.addr", i.Addr, "must be host:port")
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, field.New("instance.addr", i.Addr, "port must be a number from 1 to 65535")
	}
	if canonical := net.JoinHostPort(host, strconv.FormatUint(n, 10)); canonical != i.Addr {
		return "", 0, field.New("instance.addr", i.Addr, "must be written "+canonical)
	}
	return host, uint16(n), nil
}

// Validate refuses an instance that nobody could call. The error is a *FieldError.
func (i Instance) Validate() error {
	host, _, err := i.HostPort()
	if err != nil {
		return err
	}
	if host == "" {
		return field.New("instance.addr", i.Addr, "must name a host that callers can reach")
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && ip.Unmap().IsUnspecified():
		return field.New("instance.addr", i.Addr, "must name an address that callers can reach")
	case err == nil && ip.Zone() != "":
		return field.New("instance.addr", i.Addr, "has a zone, which means nothing on another machine")
	case err != nil && !isHostName(host):
		return field.New("instance.addr", i.Addr, "must name an IP address, or a host by letters, digits and -_.")
	}
	if !(i.Weight >= 0 && i.Weight <= MaxWeight) {
		return field.New("instance.weight", i.Weight, "must be from 0 to 10000")
	}
	return validName("instance.cluster", i.WithDefaults().Cluster, "-_")
}

func isHostName(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool { return !plain(r) && !strings.ContainsRune("-_.", r) })
}
