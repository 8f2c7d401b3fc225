package e2e

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/nacossdk"
)

// open returns a client that knows these servers.
func open(t *testing.T, servers []string) *nacossdk.Client {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	client, err := nacossdk.Open(registry.Connection{Servers: servers}, nacossdk.WithLogger(logger))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// keep returns a Keeper over a client.
func keep(t *testing.T, w registry.Watcher) *registry.Keeper {
	t.Helper()
	keeper := registry.NewKeeper(w, registry.KeeperConfig{Disk: registry.Disk{Dir: t.TempDir()}})
	t.Cleanup(func() {
		if err := keeper.Close(); err != nil {
			t.Error(err)
		}
	})
	return keeper
}

// unique returns a service that no other test uses, nor an earlier run on the same servers.
func unique(name string) registry.Service {
	return registry.Service{Name: fmt.Sprintf("e2e-%s-%d", name, rand.Uint64())}.WithDefaults()
}

func watch(t *testing.T, w registry.Watcher, s registry.Service) *record[registry.Snapshot] {
	t.Helper()
	seen := newRecord[registry.Snapshot]()
	stop, err := w.Watch(t.Context(), s, seen.add)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return seen
}

func listen(t *testing.T, c registry.Configs, k registry.ConfigKey) *record[string] {
	t.Helper()
	heard := newRecord[string]()
	stop, err := c.Listen(t.Context(), k, func(d registry.Document, err error) {
		if err == nil {
			heard.add(d.Content)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return heard
}

// heardByAll waits until all listeners believe what is wanted, and returns when the last of them heard it.
func heardByAll(t *testing.T, listeners []*record[string], from time.Time, wanted string) (last time.Time) {
	t.Helper()
	for _, heard := range listeners {
		at := heard.await(t, "the config", from, func(content string) bool { return content == wanted }).at
		if at.After(last) {
			last = at
		}
	}
	return last
}

// declare registers an instance. That no server has accepted it yet is no failure: the declaration stands.
func declare(t *testing.T, r registry.Registrar, s registry.Service, i registry.Instance) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := r.Register(ctx, s, i)
	if err != nil && !errors.Is(err, registry.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

// publish publishes a document as soon as the servers take one: while they elect a leader they do not.
func publish(t *testing.T, c registry.Configs, k registry.ConfigKey, content string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pause := time.NewTicker(200 * time.Millisecond)
	defer pause.Stop()
	for {
		err := c.Publish(ctx, registry.Document{Key: k, Content: content})
		if err == nil {
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			t.Fatalf("publishing %q: %v", content, err)
		}
	}
}

func instance(port int) registry.Instance {
	return registry.Instance{Addr: fmt.Sprintf("127.0.0.1:%d", port)}
}

// holds reports whether a snapshot has these instances, among others.
func holds(wanted ...registry.Instance) func(registry.Snapshot) bool {
	return func(s registry.Snapshot) bool {
		for _, w := range wanted {
			if !slices.ContainsFunc(s.Instances, func(i registry.Instance) bool { return i.Addr == w.Addr }) {
				return false
			}
		}
		return true
	}
}
