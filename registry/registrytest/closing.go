package registrytest

import (
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
)

var closing = []testCase{
	{"a closed client is gone and refuses everything", func(t *testing.T, s *suite) {
		service, key, i := newService(), newKey(), at("10.4.0.1:8080")
		v := watch(t, s.two.Watcher, service)
		client := opened(t, s.open)
		if err := client.Registrar.Register(patient(t), service, i); err != nil {
			t.Fatalf("register: %v", err)
		}
		v.sees(t, i.Addr)
		own := newRecord[registry.Snapshot]()
		stop := follow(t, client.Watcher, service, own.add)
		own.await(t, "a callback", func(all []registry.Snapshot) bool { return len(all) > 0 })
		for range 2 {
			if err := client.Close(); err != nil {
				t.Fatalf("close: %v", err)
			}
		}
		called := len(own.all())
		v.sees(t)
		stop()
		if now := len(own.all()); now != called {
			t.Errorf("%d callbacks after Close", now-called)
		}

		closed := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, registry.ErrClosed) {
				t.Errorf("%s after Close: %v, want ErrClosed", what, err)
			}
		}
		closed("register", client.Registrar.Register(patient(t), service, i))
		closed("deregister", client.Registrar.Deregister(patient(t), service, i))
		_, err := client.Watcher.Watch(patient(t), service, func(registry.Snapshot) {})
		closed("watch", err)
		_, err = client.Configs.Read(patient(t), key)
		closed("read", err)
		closed("publish", client.Configs.Publish(patient(t), registry.Document{Key: key, Content: "1"}))
		_, err = client.Configs.Listen(patient(t), key, func(registry.Document, error) {})
		closed("listen", err)
	}},
}
