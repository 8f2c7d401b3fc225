package registry_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

// inOutage runs test with a subscriber that knows a:1 and b:1 and has seen all servers fail.
func inOutage(t *testing.T, test func(t *testing.T, b *bench, s *seen)) {
	t.Helper()
	inGrace(t, func(t *testing.T, b *bench, s *seen) {
		b.servers.Fail(errCut)
		wantList(t, s.last(t), registry.SourcePush, "a:1", "b:1")
		test(t, b, s)
	})
}

var errCut = errors.New("cable cut")

// back ends an outage; the servers list addrs.
func back(servers *registrytest.Memory, addrs ...string) {
	push(servers, addrs...)
	servers.Fail(nil)
}

func unconfirmed(s registry.Snapshot) []string {
	var addrs []string
	for _, i := range s.Instances {
		if i.Unconfirmed {
			addrs = append(addrs, i.Addr)
		}
	}
	return addrs
}

func wantUnconfirmed(t *testing.T, s registry.Snapshot, want ...string) {
	t.Helper()
	if got := unconfirmed(s); !slices.Equal(got, want) {
		t.Fatalf("unconfirmed are %v, want %v", got, want)
	}
}

func TestAfterAnOutageMissingInstancesStayForTheGrace(t *testing.T) {
	inOutage(t, func(t *testing.T, b *bench, s *seen) {
		back(b.servers, "b:1", "c:1")
		got := s.last(t)
		wantList(t, got, registry.SourcePush, "a:1", "b:1", "c:1")
		wantUnconfirmed(t, got, "a:1")
		wantReported(t, b, event.ListRecovering{Service: "orders", On: true, Unconfirmed: 1})
		time.Sleep(15*time.Second - time.Nanosecond)
		wantUnconfirmed(t, s.last(t), "a:1")
		time.Sleep(time.Nanosecond)
		got = s.last(t)
		wantList(t, got, registry.SourcePush, "b:1", "c:1")
		wantUnconfirmed(t, got)
		wantReported(t, b, event.ListRecovering{Service: "orders"})
	})
}

func TestWhoRegistersAgainIsConfirmed(t *testing.T) {
	inOutage(t, func(t *testing.T, b *bench, s *seen) {
		back(b.servers, "b:1")
		wantUnconfirmed(t, s.last(t), "a:1")
		push(b.servers, "a:1", "b:1")
		wantUnconfirmed(t, s.last(t))
		wantReported(t, b,
			event.ListRecovering{Service: "orders", On: true, Unconfirmed: 1}, event.ListRecovering{Service: "orders"})
		push(b.servers, "b:1") // it leaves, as at any other time
		wantList(t, s.last(t), registry.SourcePush, "b:1")
	})
}

func TestWhoWasConfirmedMayLeaveWithinTheGrace(t *testing.T) {
	inOutage(t, func(t *testing.T, b *bench, s *seen) {
		back(b.servers, "b:1", "c:1")
		push(b.servers, "c:1")
		got := s.last(t)
		wantList(t, got, registry.SourcePush, "a:1", "c:1")
		wantUnconfirmed(t, got, "a:1")
	})
}

func TestAnEmptyListAfterAnOutageIsHeldFirst(t *testing.T) {
	inOutage(t, func(t *testing.T, b *bench, s *seen) {
		back(b.servers)
		wantHeld(t, s.last(t))
		time.Sleep(20 * time.Second)
		push(b.servers, "b:1")
		wantUnconfirmed(t, s.last(t), "a:1")
		push(b.servers)
		time.Sleep(20 * time.Second) // longer than the recovery, shorter than the doubt
		wantList(t, s.last(t), registry.SourcePush, "a:1", "b:1")
		push(b.servers, "a:1")
		got := s.last(t)
		wantList(t, got, registry.SourcePush, "a:1", "b:1")
		wantUnconfirmed(t, got, "b:1")
	})
}

func TestASecondOutageBeginsTheGraceAnew(t *testing.T) {
	inOutage(t, func(t *testing.T, b *bench, s *seen) {
		back(b.servers, "b:1")
		time.Sleep(10 * time.Second)
		b.servers.Fail(errCut)
		time.Sleep(time.Hour)
		wantList(t, s.last(t), registry.SourcePush, "a:1", "b:1")
		back(b.servers, "c:1")
		time.Sleep(10 * time.Second)
		wantUnconfirmed(t, s.last(t), "a:1", "b:1")
		time.Sleep(5 * time.Second)
		wantList(t, s.last(t), registry.SourcePush, "c:1")
	})
}

// A watcher need not have told of the outage: it may have been over before anybody noticed, and states are skipped.
func TestAnOutageIsKnownByItsNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		earlier(t, dir, []string{"a:1", "x:1"})
		w := &silent{}
		k := registry.NewKeeper(w, registry.KeeperConfig{Disk: registry.Disk{Dir: dir}})
		t.Cleanup(func() { _ = k.Close() })
		s := &seen{}
		if _, err := k.Watch(t.Context(), orders, s.add); err != nil {
			t.Fatal(err)
		}
		say := func(outages uint64, addrs ...string) registry.Snapshot {
			w.say(registry.Snapshot{Source: registry.SourcePush, Instances: instances(addrs...), Outages: outages})
			return s.last(t)
		}
		wantList(t, say(1, "a:1", "b:1", "c:1"), registry.SourcePush, "a:1", "b:1", "c:1") // it was before our time
		wantUnconfirmed(t, say(1, "a:1", "b:1"))
		wantUnconfirmed(t, say(2, "a:1"), "b:1")
		wantList(t, say(2, "b:1"), registry.SourcePush, "b:1")
		wantUnconfirmed(t, say(4, "d:1"), "b:1")
		wantUnconfirmed(t, say(5, "e:1"), "b:1", "d:1")
		time.Sleep(15 * time.Second)
		wantList(t, s.last(t), registry.SourcePush, "e:1")
	})
}

func TestAnInterruptedRecoveryIsReportedToEnd(t *testing.T) {
	on, off := event.ListRecovering{Service: "orders", On: true, Unconfirmed: 1}, event.ListRecovering{Service: "orders"}
	for name, interrupt := range map[string]func(b *bench) []event.Event{
		"by an outage": func(b *bench) []event.Event {
			b.servers.Fail(errCut)
			return []event.Event{on, off}
		},
		"by an empty list": func(b *bench) []event.Event {
			push(b.servers)
			return []event.Event{on, off, event.ListHeld{Service: "orders", On: true, Kept: 2}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inOutage(t, func(t *testing.T, b *bench, s *seen) {
				back(b.servers, "b:1")
				s.settled()
				wantReported(t, b, interrupt(b)...)
			})
		})
	}
}

func TestMovingBetweenLiveServersIsNoOutage(t *testing.T) {
	inGrace(t, func(t *testing.T, b *bench, s *seen) {
		b.servers.Push(registry.Snapshot{Service: orders, Err: registry.ErrRefused})
		push(b.servers, "b:1")
		wantList(t, s.last(t), registry.SourcePush, "b:1")
	})
}
