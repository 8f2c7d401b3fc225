package registry_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

func TestOneWatchServesAllSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		push(servers, "a:1")
		first, second := b.subscribe(t), b.subscribe(t)
		wantList(t, first.last(t), registry.SourcePush, "a:1")
		wantList(t, second.last(t), registry.SourcePush, "a:1")
		if n := servers.Watches(orders); n != 1 {
			t.Errorf("%d watches, want 1", n)
		}
		first.stop()
		first.stop()
		second.stop()
		push(servers, "a:1", "b:1")
		if n := len(first.settled()) + len(second.settled()); n != 2 {
			t.Errorf("%d states told, want none after stop", n-2)
		}
		wantList(t, b.subscribe(t).last(t), registry.SourcePush, "a:1", "b:1")
		_ = b.Close()
		if n := servers.Watches(orders); n != 0 {
			t.Errorf("%d watches after Close, want 0", n)
		}
	})
}

func TestSlowSubscriberSkipsToTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		push(servers, "a:1")
		var slow seen
		_, err := b.Watch(t.Context(), orders, func(s registry.Snapshot) {
			time.Sleep(time.Minute)
			slow.add(s)
		})
		if err != nil {
			t.Fatal(err)
		}
		fast := b.subscribe(t)
		synctest.Wait()
		for _, addr := range []string{"b:1", "c:1", "d:1"} {
			push(servers, addr)
			wantList(t, fast.last(t), registry.SourcePush, addr)
		}
		time.Sleep(5 * time.Minute)
		got := slow.settled()
		if len(got) != 2 {
			t.Fatalf("the slow subscriber was told %d states, want the first and the newest", len(got))
		}
		wantList(t, got[0], registry.SourcePush, "a:1")
		wantList(t, got[1], registry.SourcePush, "d:1")
	})
}

func TestPanickingSubscriberIsReportedAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		push(servers, "a:1")
		calls := 0
		if _, err := b.Watch(t.Context(), orders, func(registry.Snapshot) { calls++; panic("boom") }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		push(servers, "b:1")
		synctest.Wait()
		events := b.reported()
		if calls != 2 || len(events) != 2 {
			t.Fatalf("%d calls and events %v, want 2 of each", calls, events)
		}
		e, ok := events[0].(event.Panicked)
		if !ok || e.Where != "subscriber of orders" || e.Value != "boom" || len(e.Stack) == 0 {
			t.Errorf("reported %+v", events[0])
		}
	})
}

func TestSubscriberMayStopItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		calls := 0
		var stop func()
		stop, err := b.Watch(t.Context(), orders, func(registry.Snapshot) { calls++; stop() })
		if err != nil {
			t.Fatal(err)
		}
		push(servers, "a:1")
		synctest.Wait()
		push(servers, "b:1")
		synctest.Wait()
		if calls != 1 {
			t.Errorf("%d calls, want 1", calls)
		}
	})
}

func TestStopDropsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		push(servers, "a:1")
		calls := 0
		stop, err := b.Watch(t.Context(), orders, func(registry.Snapshot) { calls++; time.Sleep(time.Minute) })
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		push(servers, "b:1")
		synctest.Wait()
		stop()
		time.Sleep(time.Hour)
		if calls != 1 {
			t.Errorf("%d calls, want the one that had begun before stop", calls)
		}
	})
}
