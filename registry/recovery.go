package registry

import (
	"slices"

	"github.com/holdfast-go/holdfast/event"
)

// recovery is the time after an outage of all servers in which their lists hold only who has registered again so far.
type recovery struct {
	list    Snapshot   // the last one told
	missing []Instance // known before the outage and not listed since
	grace   *grace
}

// take believes a list, but for what it leaves out just after an outage, and returns what there is to report.
func (k *kept) take(s Snapshot) []event.Event {
	begins := k.cutOff && k.expectsInstances()
	k.cutOff = false
	if begins {
		k.recovery = k.newRecovery()
	}
	r := k.recovery
	if r == nil {
		k.set(s)
		return nil
	}
	r.list = s
	r.missing = slices.DeleteFunc(r.missing, func(i Instance) bool { return lists(s, i) })
	if len(r.missing) == 0 {
		k.endRecovery()
		k.set(s)
		if begins {
			return nil
		}
		return []event.Event{event.ListRecovering{Service: k.name.String()}}
	}
	s.Instances = Normalize(slices.Concat(s.Instances, r.missing))
	k.set(s)
	if !begins {
		return nil
	}
	return []event.Event{event.ListRecovering{Service: k.name.String(), On: true, Unconfirmed: len(r.missing)}}
}

// newRecovery begins the grace period. Who said goodbye before the outage is not waited for.
func (k *kept) newRecovery() *recovery {
	r := &recovery{}
	for _, i := range k.current.Instances {
		if !saidGoodbye(i) {
			i.Unconfirmed = true
			r.missing = append(r.missing, i)
		}
	}
	r.grace = newGrace(k.keeper.recoveryGrace, &k.keeper.work, func() { k.recovered(r) })
	return r
}

// recovered believes the last list as it is, at the end of the grace period.
func (k *kept) recovered(r *recovery) {
	k.mu.Lock()
	if k.closed || k.recovery != r {
		k.mu.Unlock()
		return
	}
	k.recovery = nil
	k.set(r.list)
	k.mu.Unlock()
	k.keeper.observer.Observe(event.ListRecovering{Service: k.name.String()})
}

// endRecovery ends the grace period before its time.
func (k *kept) endRecovery() {
	if k.recovery != nil {
		k.recovery.grace.stop()
	}
	k.recovery = nil
}

// interrupt makes the next list one that comes after an outage, and returns what there is to report.
func (k *kept) interrupt() (reports []event.Event) {
	if k.recovery != nil {
		reports = []event.Event{event.ListRecovering{Service: k.name.String()}}
	}
	k.endRecovery()
	k.cutOff = true
	return reports
}

func lists(s Snapshot, i Instance) bool {
	return slices.ContainsFunc(s.Instances, func(o Instance) bool { return o.Addr == i.Addr && o.Cluster == i.Cluster })
}

func saidGoodbye(i Instance) bool { return i.Disabled || i.Weight <= 0 }
