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

// inGrace runs test with a subscriber that knows a:1 and b:1.
func inGrace(t *testing.T, test func(t *testing.T, b *bench, s *seen)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		push(servers, "a:1", "b:1")
		s := b.subscribe(t)
		wantList(t, s.last(t), registry.SourcePush, "a:1", "b:1")
		test(t, b, s)
	})
}

func wantHeld(t *testing.T, s registry.Snapshot) {
	t.Helper()
	wantList(t, s, registry.SourcePush, "a:1", "b:1")
	if !errors.Is(s.Err, registry.ErrHeld) {
		t.Fatalf("Err is %v, want ErrHeld", s.Err)
	}
}

func wantReported(t *testing.T, b *bench, want ...event.Event) {
	t.Helper()
	synctest.Wait()
	if got := b.reported(); !slices.Equal(got, want) {
		t.Fatalf("reported %+v, want %+v", got, want)
	}
}

func TestEmptyListIsBelievedAfterTheGrace(t *testing.T) {
	inGrace(t, func(t *testing.T, b *bench, s *seen) {
		push(b.servers)
		wantHeld(t, s.last(t))
		wantReported(t, b, event.ListHeld{Service: "orders", On: true, Kept: 2})
		time.Sleep(20 * time.Second)
		push(b.servers) // said again: the grace goes on
		time.Sleep(10*time.Second - time.Nanosecond)
		wantHeld(t, s.last(t))
		time.Sleep(time.Nanosecond)
		got := s.last(t)
		wantList(t, got, registry.SourcePush)
		if got.Err != nil {
			t.Errorf("Err is %v", got.Err)
		}
		wantReported(t, b, event.ListHeld{Service: "orders"})
	})
}

func TestEmptyListIsRefuted(t *testing.T) {
	inGrace(t, func(t *testing.T, b *bench, s *seen) {
		push(b.servers)
		wantHeld(t, s.last(t))
		time.Sleep(29 * time.Second)
		push(b.servers, "b:1")
		time.Sleep(time.Minute)
		got := s.last(t)
		wantList(t, got, registry.SourcePush, "b:1")
		if got.Err != nil {
			t.Errorf("Err is %v", got.Err)
		}
		wantReported(t, b, event.ListHeld{Service: "orders", On: true, Kept: 2}, event.ListHeld{Service: "orders", Kept: 2})
	})
}

func TestEmptyListDiesWithItsServer(t *testing.T) {
	inGrace(t, func(t *testing.T, b *bench, s *seen) {
		push(b.servers)
		wantHeld(t, s.last(t))
		b.servers.Fail(errors.New("cable cut"))
		time.Sleep(time.Hour)
		got := s.last(t)
		wantList(t, got, registry.SourcePush, "a:1", "b:1")
		if !errors.Is(got.Err, registry.ErrUnavailable) {
			t.Errorf("Err is %v, want ErrUnavailable", got.Err)
		}
		b.servers.Fail(nil) // still empty: a new grace begins
		wantHeld(t, s.last(t))
		time.Sleep(30 * time.Second)
		wantList(t, s.last(t), registry.SourcePush)
	})
}

func TestGoodbyeIsBelievedAtOnce(t *testing.T) {
	for name, goodbye := range map[string]func(*registry.Instance){
		"disabled": func(i *registry.Instance) { i.Disabled = true },
		"weight 0": func(i *registry.Instance) { i.Weight, i.Disabled = 0, true },
	} {
		t.Run(name, func(t *testing.T) {
			inGrace(t, func(t *testing.T, b *bench, s *seen) {
				leaving := instances("a:1", "b:1")
				goodbye(&leaving[0])
				goodbye(&leaving[1])
				b.servers.Push(registry.Snapshot{Service: orders, Instances: leaving})
				synctest.Wait()
				push(b.servers)
				wantList(t, s.last(t), registry.SourcePush)
				wantReported(t, b)
			})
		})
	}
}

func TestGoodbyeOfSomeIsNotEnough(t *testing.T) {
	inGrace(t, func(t *testing.T, b *bench, s *seen) {
		leaving := instances("a:1", "b:1")
		leaving[0].Disabled = true
		b.servers.Push(registry.Snapshot{Service: orders, Instances: leaving})
		synctest.Wait()
		push(b.servers)
		wantHeld(t, s.last(t))
	})
}

func TestUnhealthyInstancesAreKeptToo(t *testing.T) {
	inGrace(t, func(t *testing.T, b *bench, s *seen) {
		ill := instances("a:1", "b:1")
		ill[0].Unhealthy, ill[1].Unhealthy = true, true
		b.servers.Push(registry.Snapshot{Service: orders, Instances: ill})
		synctest.Wait()
		push(b.servers)
		wantHeld(t, s.last(t))
	})
}

func TestFirstListMayBeEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, registrytest.NewMemory(), "")
		got, err := b.First(t.Context(), orders)
		if err != nil {
			t.Fatal(err)
		}
		wantList(t, got, registry.SourcePush)
		wantReported(t, b)
	})
}

func TestCloseEndsTheGrace(t *testing.T) {
	inGrace(t, func(t *testing.T, b *bench, s *seen) {
		push(b.servers)
		wantHeld(t, s.last(t))
		begin := time.Now()
		_ = b.Close()
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("Close waited %s", waited)
		}
	})
}
