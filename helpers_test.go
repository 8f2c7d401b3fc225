package holdfast_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/kit/endpoint"
	"go.uber.org/goleak"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// hystrix-go's monitors never end; package middleware/hystrix reuses them.
		goleak.IgnoreAnyFunction("github.com/afex/hystrix-go/hystrix.(*metricExchange).Monitor"),
		goleak.IgnoreAnyFunction("github.com/afex/hystrix-go/hystrix.(*poolMetrics).Monitor"),
	)
}

var orders = registry.Service{Name: "orders"}.WithDefaults()

// callees stands for the instances of a service: each address answers with its own name, or fails.
type callees struct {
	fail   atomic.Pointer[map[string]error]
	calls  atomic.Int64
	made   atomic.Int64
	closed atomic.Int64
	hung   chan struct{} // told of each call that hangs
}

func (c *callees) failing(errs map[string]error) { c.fail.Store(&errs) }

func (c *callees) factory(instance string) (endpoint.Endpoint, io.Closer, error) {
	c.made.Add(1)
	call := func(ctx context.Context, _ any) (any, error) {
		c.calls.Add(1)
		if errs := c.fail.Load(); errs != nil {
			if err, ok := (*errs)[instance]; ok {
				if errors.Is(err, errHang) {
					c.hung <- struct{}{}
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return nil, err
			}
		}
		return instance, nil
	}
	return call, closerFunc(func() { c.closed.Add(1) }), nil
}

type closerFunc func()

func (f closerFunc) Close() error { f(); return nil }

var errHang = errors.New("no answer until the context ends")

var addrs = []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}

func snapshot(addrs ...string) registry.Snapshot {
	s := registry.Snapshot{Service: orders, Source: registry.SourcePush, At: time.Now()}
	for _, a := range addrs {
		s.Instances = append(s.Instances, registry.Instance{Addr: a}.WithDefaults())
	}
	return s
}

func all(err error) map[string]error {
	errs := map[string]error{}
	for _, a := range addrs {
		errs[a] = err
	}
	return errs
}

func idempotent() holdfast.Config {
	return holdfast.Config{
		Nacos: holdfast.Nacos{KeeperConfig: registry.KeeperConfig{Disk: registry.Disk{Disabled: true}}},
		Document: policy.Document{Services: map[string]policy.Service{"orders": {
			Methods: map[string]policy.Method{"Get": {Idempotent: policy.True}},
		}}},
	}
}

func open(t *testing.T, cfg holdfast.Config, r holdfast.Registry, opts ...holdfast.Option) *holdfast.Kit {
	t.Helper()
	opts = append([]holdfast.Option{holdfast.WithRegistry(r), holdfast.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	kit, err := holdfast.Open(cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kit.Close(); err != nil {
			t.Error(err)
		}
	})
	return kit
}

func memory(t *testing.T) *registrytest.Memory {
	t.Helper()
	m := registrytest.NewMemory()
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func client(t *testing.T, kit *holdfast.Kit, method string, c *callees, opts ...holdfast.ClientOption) endpoint.Endpoint {
	t.Helper()
	call, err := kit.Client("orders", method, c.factory, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

func byRequest(_ context.Context, request any) (string, bool) { return request.(string), true }
