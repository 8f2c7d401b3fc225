package registry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformanceOfKeeper(t *testing.T) {
	servers := registrytest.NewMemory()
	registrytest.Run(t, func(t *testing.T) registrytest.Implementation {
		client := servers.Client()
		k := registry.NewKeeper(client, registry.KeeperConfig{
			Disk:       registry.Disk{Dir: t.TempDir()},
			EmptyGrace: time.Millisecond,
		})
		implementation := client.Implementation()
		implementation.Watcher = k
		implementation.Close = func() error { return errors.Join(k.Close(), client.Close()) }
		return implementation
	})
}

func TestErrorKeepsTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		push(servers, "a:1")
		s := b.subscribe(t)
		synctest.Wait()
		servers.Fail(errors.New("cable cut"))
		down := s.last(t)
		wantList(t, down, registry.SourcePush, "a:1")
		if !errors.Is(down.Err, registry.ErrUnavailable) {
			t.Errorf("Err is %v, want ErrUnavailable", down.Err)
		}
		servers.Push(registry.Snapshot{Service: orders, Err: errors.New("still down")})
		wantList(t, s.last(t), registry.SourcePush, "a:1")
		servers.Fail(nil)
		up := s.last(t)
		wantList(t, up, registry.SourcePush, "a:1")
		if up.Err != nil {
			t.Errorf("Err is %v after the outage", up.Err)
		}
		for n, snapshot := range s.settled() {
			if want := uint64(n + 1); snapshot.Revision != want {
				t.Errorf("snapshot %d has revision %d, want %d", n, snapshot.Revision, want)
			}
		}
	})
}

func TestErrorIsToldWhenNothingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		servers.Fail(errors.New("cable cut"))
		b := newBench(t, servers, "")
		for range 2 { // the second comes when it is known already
			got := b.subscribe(t).last(t)
			if got.Known() || !errors.Is(got.Err, registry.ErrUnavailable) {
				t.Errorf("got %+v, want an error and no list", got)
			}
		}
	})
}

func TestUnchangedListIsNotToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		push(servers, "a:1")
		s := b.subscribe(t)
		synctest.Wait()
		time.Sleep(time.Hour)
		push(servers, "a:1")
		if n := len(s.settled()); n != 1 {
			t.Errorf("told %d times, want once", n)
		}
		if known := b.Snapshots(); len(known) != 1 || !known[0].At.Equal(time.Now()) {
			t.Errorf("Snapshots is %+v, want the time of the last confirmation", known)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watcher := &silent{}
		k := registry.NewKeeper(watcher, registry.KeeperConfig{Disk: registry.Disk{Dir: t.TempDir()}})
		waiting := make(chan error)
		go func() {
			_, err := k.First(context.Background(), orders)
			waiting <- err
		}()
		synctest.Wait()
		finished := false
		if _, err := k.Watch(t.Context(), orders, func(registry.Snapshot) { time.Sleep(time.Minute); finished = true }); err != nil {
			t.Fatal(err)
		}
		watcher.say(registry.Snapshot{Err: registry.ErrUnavailable})
		if err := <-waiting; !errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("First: %v", err)
		}
		go func() {
			_, err := k.First(context.Background(), registry.Service{Name: "other"})
			waiting <- err
		}()
		synctest.Wait()
		go func() { _ = k.Close() }()
		if err := <-waiting; !errors.Is(err, registry.ErrClosed) {
			t.Errorf("First that waits when closed: %v", err)
		}
		if err := k.Close(); err != nil || !finished {
			t.Errorf("Close: %v, finished %t: want it to wait for the running call", err, finished)
		}
		if _, err := k.First(t.Context(), orders); !errors.Is(err, registry.ErrClosed) {
			t.Errorf("First: %v", err)
		}
		if _, err := k.Watch(t.Context(), orders, func(registry.Snapshot) {}); !errors.Is(err, registry.ErrClosed) {
			t.Errorf("Watch: %v", err)
		}
	})
}

func TestCloseWhileAWatchBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w lingering
		k := registry.NewKeeper(&w, registry.KeeperConfig{Disk: registry.Disk{Disabled: true}})
		begun := make(chan error)
		go func() {
			_, err := k.Watch(t.Context(), orders, func(registry.Snapshot) {})
			begun <- err
		}()
		synctest.Wait()
		go func() { _ = k.Close() }()
		if err := <-begun; !errors.Is(err, registry.ErrClosed) {
			t.Errorf("Watch: %v, want ErrClosed", err)
		}
		if !w.stopped {
			t.Error("the watch beneath was not stopped")
		}
	})
}

// lingering takes a second to begin a watch.
type lingering struct{ stopped bool }

func (l *lingering) Watch(context.Context, registry.Service, func(registry.Snapshot)) (func(), error) {
	time.Sleep(time.Second)
	return func() { l.stopped = true }, nil
}

func TestWatcherThatRefusesIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, registrytest.NewMemory(), "")
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.Watch(ended, orders, func(registry.Snapshot) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("Watch with an ended context: %v", err)
		}
		push(b.servers, "a:1")
		wantList(t, b.subscribe(t).last(t), registry.SourcePush, "a:1")
	})
}
