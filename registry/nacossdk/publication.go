package nacossdk

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

const maxRepairWait = 5 * time.Minute

// repair remembers that an instance was registered anew because the servers did not list it. A server may also leave out
// what an operator has disabled: then it does no good, and is done ever more rarely.
type repair struct {
	tries int
	next  time.Time
}

// publish makes the servers hold what is wanted.
func (n *naming) publish(d *declaration, wanted map[string]registry.Instance) error {
	ephemeral, persistent := split(wanted)
	if err := n.publishEphemeral(d, ephemeral); err != nil {
		return err
	}
	for addr, i := range persistent {
		if known, ok := d.persistent[addr]; ok && known.Equal(i) {
			continue
		}
		err := n.send(http.MethodPost, d.service, i)
		if err != nil && !errors.Is(err, registry.ErrUnavailable) {
			return err
		}
		if d.persistent == nil {
			d.persistent = make(map[string]registry.Instance)
		}
		i.Unconfirmed = err != nil // to be sent again, but it may have arrived
		d.persistent[addr] = i
		if err != nil {
			return err
		}
	}
	for addr, i := range d.persistent {
		if _, ok := persistent[addr]; ok {
			continue
		}
		if err := n.send(http.MethodDelete, d.service, i); err != nil {
			return err
		}
		delete(d.persistent, addr)
	}
	return nil
}

// publishEphemeral always sends a batch, be it of one instance. To the Java server a connection publishes one instance or
// one batch of a service, and what comes later replaces what was before; but when a batch follows a single instance, 2.2.4
// fails to replicate it (a ClassCastException on the other nodes), and never repairs that.
func (n *naming) publishEphemeral(d *declaration, wanted map[string]registry.Instance) error {
	unchanged := !d.doubted && maps.EqualFunc(wanted, d.published, registry.Instance.Equal)
	if unchanged && (len(wanted) > 0 || len(d.leaving) == 0) {
		return nil
	}
	kept := make(map[place]bool, len(wanted))
	for _, i := range wanted {
		kept[placeOf(i)] = true
	}
	gone := make(map[place]bool)
	for _, i := range d.published {
		if !kept[placeOf(i)] {
			gone[placeOf(i)] = true
		}
	}
	if len(wanted) == 0 {
		all := sorted(d.published)
		for p := range d.leaving {
			all = append(all, registry.Instance{Addr: p.addr, Cluster: p.cluster})
		}
		if err := n.withdraw(d.service, all); err != nil {
			return err
		}
		d.published, d.doubted, d.leaving = nil, false, nil
		return nil
	}
	if err := n.batch(d.service, sorted(wanted)); err != nil {
		return err
	}
	for addr, i := range wanted {
		if before, ok := d.published[addr]; ok && placeOf(before) == placeOf(i) && !before.Equal(i) {
			if d.updated == nil {
				d.updated = make(map[string]registry.Instance)
			}
			d.updated[addr] = before
		}
	}
	d.published, d.doubted = wanted, false
	if d.leaving == nil {
		d.leaving = gone
	} else {
		maps.Copy(d.leaving, gone)
	}
	maps.DeleteFunc(d.leaving, func(p place, _ bool) bool { return kept[p] })
	return nil
}

func (n *naming) batch(s registry.Service, instances []registry.Instance) error {
	all := make([]model.Instance, len(instances))
	for k, i := range instances {
		all[k] = toModel(s, i)
	}
	_, err := n.link.request(n.link.ctx, rpc_request.NewBatchInstanceRequest(s.Namespace, s.Name, s.Group, "batchRegisterInstance", all))
	return err
}

func (n *naming) withdraw(s registry.Service, instances []registry.Instance) error {
	for _, i := range instances {
		if _, err := n.link.request(n.link.ctx, rpc_request.NewInstanceRequest(s.Namespace, s.Name, s.Group, "deregisterInstance", toModel(s, i))); err != nil {
			return err
		}
	}
	return nil
}

// verify compares what the connected server lists with what it has accepted. It looks only at whether an instance is
// there: weight, state and metadata may be an operator's.
func (n *naming) verify(d *declaration, wanted map[string]registry.Instance) error {
	answer, err := n.query(d.service)
	if err != nil {
		return err
	}
	listed := make(map[place]registry.Instance)
	for _, i := range fromModel(answer.ServiceInfo.Hosts) {
		listed[placeOf(i)] = i
	}
	if err := n.sweep(d, listed); err != nil {
		return err
	}
	now := time.Now()
	var missing []string
	for addr, i := range wanted {
		r, repaired := d.repairs[addr]
		_, there := listed[placeOf(i)]
		switch {
		case there:
			delete(d.repairs, addr)
			if repaired && r.tries == 1 {
				n.observer.Observe(event.RegistrationRepaired{Service: d.service.String(), Instance: addr})
			}
		case !now.Before(r.next):
			missing = append(missing, addr)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if d.repairs == nil {
		d.repairs = make(map[string]repair)
	}
	d.doubted = true
	for _, addr := range missing {
		r := d.repairs[addr]
		r.tries++
		r.next = now.Add(min(verifyEvery<<min(r.tries, 8), maxRepairWait))
		d.repairs[addr] = r
		if i, ok := d.persistent[addr]; ok {
			i.Unconfirmed = true
			d.persistent[addr] = i
		}
	}
	return n.publish(d, wanted)
}

// sweep mends what r-nacos does otherwise than the Java server: it adds batches up, does not go back to weight 1, and keeps
// the first metadata of an instance as if an operator had set them.
func (n *naming) sweep(d *declaration, listed map[place]registry.Instance) error {
	var left []registry.Instance
	for p := range d.leaving {
		if i, ok := listed[p]; ok {
			left = append(left, i)
		}
	}
	for addr, before := range d.updated {
		wanted, ok := d.published[addr]
		shown, there := listed[placeOf(wanted)]
		if !ok || !there {
			continue
		}
		// What is neither as before nor as now is an operator's.
		wanted, before = asShown(wanted), asShown(before)
		if !maps.Equal(shown.Metadata, wanted.Metadata) && maps.Equal(shown.Metadata, before.Metadata) {
			if err := n.send(http.MethodPut, d.service, wanted); err != nil {
				return err
			}
		}
		if shown.Weight != wanted.Weight && shown.Weight == before.Weight {
			left = append(left, shown)
		}
	}
	if len(left) > 0 {
		if err := n.withdraw(d.service, left); err != nil {
			return err
		}
		if err := n.batch(d.service, sorted(d.published)); err != nil { // to the Java server all of them have gone now
			return err
		}
	}
	d.leaving, d.updated = nil, nil
	return nil
}

func split(wanted map[string]registry.Instance) (ephemeral, persistent map[string]registry.Instance) {
	ephemeral, persistent = make(map[string]registry.Instance), make(map[string]registry.Instance)
	for addr, i := range wanted {
		if i.Persistent {
			persistent[addr] = i
		} else {
			ephemeral[addr] = i
		}
	}
	return ephemeral, persistent
}

func sorted(instances map[string]registry.Instance) []registry.Instance {
	return slices.SortedFunc(maps.Values(instances), func(a, b registry.Instance) int { return cmp.Compare(a.Addr, b.Addr) })
}
