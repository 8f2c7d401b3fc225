package registrytest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
)

var watching = []testCase{
	{"a service that does not exist yet is followed", func(t *testing.T, s *suite) {
		service := newService()
		v := watch(t, s.one.Watcher, service)
		register(t, s.two.Registrar, service, at("10.2.0.1:8080"))
		v.sees(t, "10.2.0.1:8080")
		deregister(t, s.two.Registrar, service, at("10.2.0.1:8080"))
		register(t, s.two.Registrar, service, at("10.2.0.2:8080"))
		v.sees(t, "10.2.0.2:8080")
	}},
	{"a late watcher begins with the current state", func(t *testing.T, s *suite) {
		service := newService()
		register(t, s.one.Registrar, service, at("10.2.0.1:8080"))
		watch(t, s.two.Watcher, service).sees(t, "10.2.0.1:8080")
		late := watch(t, s.two.Watcher, service)
		first := late.await(t, "a first callback", func(all []registry.Snapshot) bool { return len(all) > 0 })[0]
		if !slices.Equal(addresses(first), []string{"10.2.0.1:8080"}) {
			t.Errorf("the first callback has %q, want what is known", addresses(first))
		}
	}},
	{"a service watched again after all have stopped is followed", func(t *testing.T, s *suite) {
		service := newService()
		register(t, s.one.Registrar, service, at("10.2.0.1:8080"))
		v := watch(t, s.two.Watcher, service)
		v.sees(t, "10.2.0.1:8080")
		v.stop()
		register(t, s.one.Registrar, service, at("10.2.0.2:8080"))
		watch(t, s.two.Watcher, service).sees(t, "10.2.0.1:8080", "10.2.0.2:8080")
	}},
	{"stopping one watcher does not silence another", func(t *testing.T, s *suite) {
		service := newService()
		stopped, going := watch(t, s.two.Watcher, service), watch(t, s.two.Watcher, service)
		register(t, s.one.Registrar, service, at("10.2.0.1:8080"))
		stopped.sees(t, "10.2.0.1:8080")
		going.sees(t, "10.2.0.1:8080")
		stopped.stop()
		stopped.stop()
		before := len(stopped.all())
		register(t, s.one.Registrar, service, at("10.2.0.2:8080"))
		going.sees(t, "10.2.0.1:8080", "10.2.0.2:8080")
		deregister(t, s.one.Registrar, service, at("10.2.0.1:8080"))
		going.sees(t, "10.2.0.2:8080")
		if after := len(stopped.all()); after != before {
			t.Errorf("%d callbacks after stop", after-before)
		}
	}},
	{"a watcher may stop itself", func(t *testing.T, s *suite) {
		service := newService()
		going := watch(t, s.two.Watcher, service)
		calls, begin := newRecord[registry.Snapshot](), make(chan struct{})
		var stop func()
		stop = follow(t, s.two.Watcher, service, func(snapshot registry.Snapshot) {
			<-begin
			stop()
			stop()
			calls.add(snapshot)
		})
		close(begin)
		register(t, s.one.Registrar, service, at("10.2.0.1:8080"))
		calls.await(t, "a callback", func(all []registry.Snapshot) bool { return len(all) > 0 })
		going.sees(t, "10.2.0.1:8080")
		register(t, s.one.Registrar, service, at("10.2.0.2:8080"))
		going.sees(t, "10.2.0.1:8080", "10.2.0.2:8080")
		if n := len(calls.all()); n != 1 {
			t.Errorf("%d callbacks, want the one that stopped", n)
		}
	}},
	{"a slow watcher holds up nobody and gets the latest", func(t *testing.T, s *suite) {
		service := newService()
		going := watch(t, s.two.Watcher, service)
		slow, release := newRecord[registry.Snapshot](), make(chan struct{})
		letGo := sync.OnceFunc(func() { close(release) })
		t.Cleanup(letGo)
		follow(t, s.two.Watcher, service, func(snapshot registry.Snapshot) {
			<-release
			slow.add(snapshot)
		})
		want := []string{"10.2.0.1:8080", "10.2.0.2:8080", "10.2.0.3:8080"}
		for n, addr := range want {
			register(t, s.one.Registrar, service, at(addr))
			going.sees(t, want[:n+1]...)
		}
		letGo()
		slow.awaitLast(t, "the latest state", func(last registry.Snapshot) bool { return slices.Equal(addresses(last), want) })
	}},
	{"a panicking watcher harms nobody and goes on", func(t *testing.T, s *suite) {
		service := newService()
		calls := newRecord[registry.Snapshot]()
		follow(t, s.two.Watcher, service, func(snapshot registry.Snapshot) {
			calls.add(snapshot)
			panic("a watcher's own fault")
		})
		going := watch(t, s.two.Watcher, service)
		want := []string{"10.2.0.1:8080", "10.2.0.2:8080"}
		for n, addr := range want {
			register(t, s.one.Registrar, service, at(addr))
			going.sees(t, want[:n+1]...)
			calls.awaitLast(t, "the panicking watcher is called again", func(last registry.Snapshot) bool {
				return slices.Equal(addresses(last), want[:n+1])
			})
		}
	}},
	{"callbacks come one at a time", func(t *testing.T, s *suite) {
		service := newService()
		var inside sync.Mutex
		overlapping := newRecord[struct{}]()
		calls := newRecord[registry.Snapshot]()
		follow(t, s.two.Watcher, service, func(snapshot registry.Snapshot) {
			if !inside.TryLock() {
				overlapping.add(struct{}{})
				return
			}
			defer inside.Unlock()
			calls.add(snapshot)
		})
		var want []string
		for n := range 5 {
			want = append(want, fmt.Sprintf("10.2.0.%d:8080", n+1))
			register(t, s.one.Registrar, service, at(want[n]))
		}
		calls.awaitLast(t, "all instances", func(last registry.Snapshot) bool { return slices.Equal(addresses(last), want) })
		if n := len(overlapping.all()); n > 0 {
			t.Errorf("%d callbacks while another was running", n)
		}
	}},
	{"a snapshot stays as it was delivered", func(t *testing.T, s *suite) {
		service := newService()
		v := watch(t, s.two.Watcher, service)
		i := registry.Instance{Addr: "10.2.0.1:8080", Metadata: map[string]string{"version": "1"}}
		register(t, s.one.Registrar, service, i)
		first := v.sees(t, i.Addr)
		copied := first.Instances[0].Clone()
		i.Metadata = map[string]string{"version": "2"}
		register(t, s.one.Registrar, service, i)
		v.seesOne(t, "with its new metadata", func(got registry.Instance) bool { return got.Metadata["version"] == "2" })
		if !first.Instances[0].Equal(copied) {
			t.Errorf("an earlier snapshot has become %+v, was %+v", first.Instances[0], copied)
		}
	}},
	{"a watch outlives the context it was begun with", func(t *testing.T, s *suite) {
		service := newService()
		ctx, cancel := context.WithCancel(context.Background())
		calls := newRecord[registry.Snapshot]()
		stop, err := s.two.Watcher.Watch(ctx, service, calls.add)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		cancel()
		register(t, s.one.Registrar, service, at("10.2.0.1:8080"))
		calls.awaitLast(t, "the instance", func(last registry.Snapshot) bool {
			return slices.Equal(addresses(last), []string{"10.2.0.1:8080"})
		})
	}},
	{"a watch of what cannot be meant is refused", func(t *testing.T, s *suite) {
		for _, bad := range badServices {
			_, err := s.one.Watcher.Watch(patient(t), bad, func(registry.Snapshot) {})
			refused(t, fmt.Sprintf("watch %+v", bad), err)
		}
	}},
	{"many goroutines watch and stop at once", func(t *testing.T, s *suite) {
		service := newService()
		register(t, s.one.Registrar, service, at("10.2.0.1:8080"))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 5 {
					stop, err := s.two.Watcher.Watch(patient(t), service, func(registry.Snapshot) {})
					if err != nil {
						t.Errorf("watch: %v", err)
						return
					}
					stop()
				}
			})
		}
		all.Wait()
		watch(t, s.two.Watcher, service).sees(t, "10.2.0.1:8080")
	}},
}
