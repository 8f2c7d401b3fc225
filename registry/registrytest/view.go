package registrytest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
)

// view is what one watcher of a service was told.
type view struct {
	*record[registry.Snapshot]
	service registry.Service
	stop    func()
}

// watch follows s until the test ends, and then checks what every sequence of snapshots must keep to.
func watch(t *testing.T, w registry.Watcher, s registry.Service) *view {
	t.Helper()
	v := &view{record: newRecord[registry.Snapshot](), service: s}
	v.stop = follow(t, w, s, v.add)
	t.Cleanup(func() {
		v.stop()
		v.check(t)
	})
	return v
}

// follow watches s until the test ends.
func follow(t *testing.T, w registry.Watcher, s registry.Service, fn func(registry.Snapshot)) (stop func()) {
	t.Helper()
	stop, err := w.Watch(patient(t), s, fn)
	if err != nil {
		t.Fatalf("watch %s: %v", s, err)
	}
	t.Cleanup(stop)
	return stop
}

// sees waits until a server's list has exactly these addresses.
func (v *view) sees(t *testing.T, addrs ...string) registry.Snapshot {
	t.Helper()
	return v.awaitLast(t, fmt.Sprintf("a list of exactly %q", addrs), func(last registry.Snapshot) bool {
		return live(last) && slices.Equal(addresses(last), addrs)
	})
}

// seesOne waits until the list is of one instance, as accept wants it.
func (v *view) seesOne(t *testing.T, what string, accept func(i registry.Instance) bool) registry.Instance {
	t.Helper()
	last := v.awaitLast(t, "one instance, "+what, func(last registry.Snapshot) bool {
		return live(last) && len(last.Instances) == 1 && accept(last.Instances[0])
	})
	return last.Instances[0]
}

func (v *view) check(t *testing.T) {
	t.Helper()
	var before registry.Snapshot
	for n, s := range v.all() {
		if s.Service != v.service.WithDefaults() {
			t.Errorf("snapshot %d is of %+v, want %+v", n, s.Service, v.service.WithDefaults())
		}
		if !s.Known() && (s.Err == nil || len(s.Instances) > 0) {
			t.Errorf("snapshot %d has no source, yet no error or a list: %+v", n, s)
		}
		if s.Known() && s.At.IsZero() {
			t.Errorf("snapshot %d does not say when it was told: %+v", n, s)
		}
		if !slices.EqualFunc(s.Instances, registry.Normalize(slices.Clone(s.Instances)), registry.Instance.Equal) {
			t.Errorf("snapshot %d is not in order, or has two of one address and cluster: %+v", n, s.Instances)
		}
		for _, i := range s.Instances {
			if i.Weight == 0 && !i.Disabled {
				t.Errorf("snapshot %d: %s has weight 0 and is not disabled", n, i.Addr)
			}
		}
		changed := !slices.EqualFunc(s.Instances, before.Instances, registry.Instance.Equal)
		if n > 0 && (s.Revision < before.Revision || changed && s.Revision == before.Revision) {
			t.Errorf("snapshot %d has revision %d after %d", n, s.Revision, before.Revision)
		}
		before = s
	}
}

// live reports whether a server told the list and nothing is wrong since.
func live(s registry.Snapshot) bool {
	return (s.Source == registry.SourcePush || s.Source == registry.SourcePoll) && s.Err == nil
}

func addresses(s registry.Snapshot) []string {
	addrs := make([]string, 0, len(s.Instances))
	for _, i := range s.Instances {
		addrs = append(addrs, i.Addr)
	}
	return addrs
}
