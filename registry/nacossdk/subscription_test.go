package nacossdk

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
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

func TestAConfirmationIsHandedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, sub, last := offline(t, orders)
		state := linkState{phase: up, node: "n1", epoch: 1}
		info := model.Service{Hosts: []model.Instance{{Ip: "10.0.0.7", Port: 8080, Weight: 1, Healthy: true, Enable: true, Ephemeral: true}}}
		n.take(sub, &info, registry.SourcePush, state, time.Time{})
		first := last()
		time.Sleep(time.Hour)
		if n.take(sub, &info, registry.SourcePoll, state, time.Now()) {
			t.Error("a confirmation counts as a change")
		}
		if got := last(); !got.At.Equal(time.Now()) || got.Revision != first.Revision || got.Source != registry.SourcePush {
			t.Errorf("got %+v, want what was told an hour ago, with the time of now", got)
		}
		state.node = "n2"
		n.take(sub, &info, registry.SourcePoll, state, time.Now())
		if got := last(); got.Node != "n2" || got.Revision != first.Revision+1 {
			t.Errorf("got %+v, want the new node told", got)
		}
	})
}
