package nacossdk

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
)

// offline is a naming without a connection, and what a watcher of s is told by it.
func offline(t *testing.T, s registry.Service) (n *naming, sub *subscription, last func() registry.Snapshot) {
	t.Helper()
	n = &naming{observer: event.Discard{}, loop: newLoop(), subscriptions: make(map[registry.Service]*subscription)}
	var told registry.Snapshot
	stop, err := n.watch(s, func(s registry.Snapshot) { told = s })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return n, n.subscriptions[s], func() registry.Snapshot {
		synctest.Wait()
		return told
	}
}

var orders = registry.Service{Name: "orders"}.WithDefaults()

func TestAnOutageIsToldAfterARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, sub, last := offline(t, orders)
		for range 2 {
			n.failed(sub, "verify", newAnswerError(codeForbidden, "no right"))
			if got := last(); !errors.Is(got.Err, registry.ErrRefused) {
				t.Errorf("Err is %v, want the refusal", got.Err)
			}
			n.interrupted(registry.ErrUnavailable)
			if got := last(); !errors.Is(got.Err, registry.ErrUnavailable) {
				t.Errorf("Err is %v, want the outage", got.Err)
			}
		}
	})
}
