package registry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

func TestFirstWaitsForAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watcher := &silent{}
		k := registry.NewKeeper(watcher, registry.KeeperConfig{Disk: registry.Disk{Disabled: true}})
		t.Cleanup(func() { _ = k.Close() })

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := k.First(ctx, orders); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("%v after %s, want the deadline after 1s", err, time.Since(begin))
		}
		time.AfterFunc(time.Minute, func() { watcher.say(registry.Snapshot{Source: registry.SourcePush, Instances: instances("a:1")}) })
		got, err := k.First(t.Context(), orders)
		if err != nil {
			t.Fatal(err)
		}
		wantList(t, got, registry.SourcePush, "a:1")
		if got, err = k.First(ctx, orders); err != nil {
			t.Errorf("a known list with an ended context: %+v, %v", got, err)
		}
	})
}

// silent is a Watcher that says nothing until the test does.
type silent struct {
	mu sync.Mutex
	fn func(registry.Snapshot)
}

func (s *silent) Watch(_ context.Context, _ registry.Service, fn func(registry.Snapshot)) (func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fn = fn
	return func() {}, nil
}

// say tells the latest watch.
func (s *silent) say(snapshot registry.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fn(snapshot)
}

func TestFirstFailsAtOnceWhenEveryServerRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := registrytest.NewMemory()
		b := newBench(t, servers, "")
		servers.Fail(errors.New("cable cut"))
		begin := time.Now()
		if _, err := b.First(t.Context(), orders); !errors.Is(err, registry.ErrUnavailable) || time.Since(begin) != 0 {
			t.Errorf("%v after %s, want ErrUnavailable at once", err, time.Since(begin))
		}
		push(servers, "a:1")
		servers.Fail(nil)
		synctest.Wait()
		got, err := b.First(t.Context(), orders)
		if err != nil {
			t.Fatal(err)
		}
		wantList(t, got, registry.SourcePush, "a:1")
		servers.Fail(errors.New("again"))
		synctest.Wait()
		if got, err = b.First(t.Context(), orders); err != nil || got.Err == nil {
			t.Errorf("got %+v, %v, want the known list with its error", got, err)
		}
	})
}
