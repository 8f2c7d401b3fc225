package registry

import (
	"cmp"
	"slices"
	"time"
)

// Source says where a list came from.
type Source string

// The sources.
const (
	SourcePush   Source = "push"   // a server sent it
	SourcePoll   Source = "poll"   // a server was asked for it
	SourceDisk   Source = "disk"   // it was kept from an earlier time; no server has confirmed it yet
	SourceStatic Source = "static" // it was configured
)

// Snapshot is what is known of a service at one time. It is immutable: receivers share its slice and must not write to
// it. With Err set and no Source, nothing is known and Err says why; with both, the list is the last one known and Err
// says why there is none newer.
type Snapshot struct {
	Service   Service
	Instances []Instance // ordered by address, then cluster; no two share both
	Source    Source
	At        time.Time // when a server last told or confirmed it
	Node      string    // which server did, "" if none or unknown
	Revision  uint64    // grows with each change that this process saw
	Err       error

	// Outages grows each time that the registry was out of reach: no server could be asked, or the one in use was lost
	// and came back, perhaps without what it knew. It does not grow on moving from one living server to another.
	Outages uint64
}

// Known reports whether the snapshot holds a list, be it empty.
func (s Snapshot) Known() bool { return s.Source != "" }

// Conclusive reports whether the list can be gone by. One that is not known cannot, and neither can an empty one from
// disk, as long as a server may still say that the service has instances by now.
func (s Snapshot) Conclusive() bool {
	return s.Known() && (len(s.Instances) > 0 || s.Source != SourceDisk || s.Err != nil)
}

// Normalize orders instances and makes one of those that share cluster and address: the disabled one, else the one
// with the lower weight, wins. It works in place and returns the shortened slice.
func Normalize(instances []Instance) []Instance {
	slices.SortFunc(instances, func(a, b Instance) int {
		return cmp.Or(
			cmp.Compare(a.Addr, b.Addr), cmp.Compare(a.Cluster, b.Cluster),
			compareBool(b.Disabled, a.Disabled), cmp.Compare(a.Weight, b.Weight), compareBool(b.Unhealthy, a.Unhealthy),
		)
	})
	return slices.CompactFunc(instances, func(a, b Instance) bool { return a.Addr == b.Addr && a.Cluster == b.Cluster })
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
