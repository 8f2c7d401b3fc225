package holdfast_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
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

func TestOneCallPassesThroughEveryLayer(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	cfg := idempotent()
	cfg.Defaults.Timeout.Try = 250 * time.Millisecond
	kit := open(t, cfg, m)
	var c callees
	call := client(t, kit, "Get", &c, holdfast.Key(byRequest))
	ctx, info := holdfast.WithInfo(t.Context())
	answer, err := call(ctx, "42")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(addrs, answer.(string)) {
		t.Errorf("answered by %v", answer)
	}
	if info.Source != holdfast.SourceLive || info.Attempts != 1 || info.Instance != answer || info.Cause != nil {
		t.Errorf("info %+v", info)
	}
	want := "tracing account fallback timeout retry breaker resolver attempt span try timeout recover"
	if got := strings.Join(kit.Status().Services[0].Methods[0].Layers, " "); got != want {
		t.Errorf("layers\n%s, want\n%s", got, want)
	}
}

func TestFailureIsRetriedElsewhereOnlyWhenDeclaredIdempotent(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	for method, attempts := range map[string]int{"Get": 3, "Put": 1} {
		var c callees
		c.failing(all(errors.New("boom")))
		ctx, info := holdfast.WithInfo(t.Context())
		_, err := client(t, kit, method, &c)(ctx, "42")
		var failed *holdfast.CallError
		if !errors.As(err, &failed) {
			t.Fatalf("%s: %v is no CallError", method, err)
		}
		if info.Attempts != attempts || failed.Attempts != attempts || int(c.calls.Load()) != attempts {
			t.Errorf("%s: %d attempts, error says %d, %d calls; want %d", method, info.Attempts, failed.Attempts, c.calls.Load(), attempts)
		}
	}
}

func TestFinalErrorNamesTheCall(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs[0]))
	kit := open(t, idempotent(), m)
	var c callees
	boom := errors.New("boom")
	c.failing(all(boom))
	_, err := client(t, kit, "Put", &c)(t.Context(), "42")
	if !errors.Is(err, boom) {
		t.Errorf("%v does not wrap its cause", err)
	}
	const want = "holdfast: orders/Put: failed after 1 attempt at 10.0.0.1:80: boom"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestStaleThenDefaultAnswerForAFailedCall(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	var c callees
	call := client(t, kit, "Get", &c, holdfast.Key(byRequest), holdfast.Default(func(context.Context, any, error) (any, error) {
		return "default", nil
	}))
	live, err := call(t.Context(), "42")
	if err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	c.failing(all(boom))

	ctx, info := holdfast.WithInfo(t.Context())
	if answer, err := call(ctx, "42"); err != nil || answer != live {
		t.Errorf("known: got %v, %v; want %v", answer, err, live)
	}
	if info.Source != holdfast.SourceStale || !errors.Is(info.Cause, boom) || info.Attempts == 0 {
		t.Errorf("known: info %+v", info)
	}
	ctx, info = holdfast.WithInfo(t.Context())
	if answer, err := call(ctx, "7"); err != nil || answer != "default" {
		t.Errorf("unknown: got %v, %v; want the default", answer, err)
	}
	if info.Source != holdfast.SourceDefault || !errors.Is(info.Cause, boom) {
		t.Errorf("unknown: info %+v", info)
	}
}

func TestCallersCancellationGetsNoFallback(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	var c callees
	call := client(t, kit, "Get", &c, holdfast.Key(byRequest))
	if _, err := call(t.Context(), "42"); err != nil {
		t.Fatal(err)
	}
	c.hung = make(chan struct{})
	c.failing(all(errHang))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := call(ctx, "42")
		done <- err
	}()
	<-c.hung
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestCallWaitsForTheFirstListUntilItsDeadline(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	late := lateRegistry{m, make(chan func())}
	kit := open(t, idempotent(), late)
	var c callees
	call := client(t, kit, "Get", &c)
	watch := <-late.watches
	if kit.Ready() == nil {
		t.Error("ready without a list")
	}
	answered := make(chan error)
	go func() {
		_, err := call(t.Context(), "42")
		answered <- err
	}()
	watch()
	if err := <-answered; err != nil {
		t.Errorf("list came while the call waited: %v", err)
	}
	if err := kit.Ready(); err != nil {
		t.Errorf("not ready with a list: %v", err)
	}
}

// lateRegistry says nothing until the function that it sends is called.
type lateRegistry struct {
	*registrytest.Memory
	watches chan func()
}

func (l lateRegistry) Watch(ctx context.Context, s registry.Service, fn func(registry.Snapshot)) (func(), error) {
	stop := make(chan func(), 1)
	go func() {
		l.watches <- func() {
			end, err := l.Memory.Watch(ctx, s, fn)
			if err != nil {
				end = func() {}
			}
			stop <- end
		}
	}()
	return func() { (<-stop)() }, nil
}

func TestRestartWithoutRegistryServesFromDisk(t *testing.T) {
	cfg := idempotent()
	cfg.Nacos.Disk = registry.Disk{Dir: t.TempDir()}
	m := memory(t)
	m.Push(snapshot(addrs...))
	var c callees

	first := open(t, cfg, m)
	if _, err := client(t, first, "Get", &c)(t.Context(), "42"); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	down := memory(t)
	down.Fail(registry.ErrUnavailable)
	second := open(t, cfg, down)
	if _, err := client(t, second, "Get", &c)(t.Context(), "42"); err != nil {
		t.Errorf("from disk: %v", err)
	}
	if s := second.Status().Services[0]; s.Source != registry.SourceDisk {
		t.Errorf("list from %q, want disk", s.Source)
	}

	cfg.Nacos.Disk.Disabled = true
	without := open(t, cfg, down)
	_, err := client(t, without, "Get", &c)(t.Context(), "42")
	if !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("without disk: got %v, want ErrUnavailable", err)
	}
	if err := without.Ready(); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("without disk: ready says %v", err)
	}
}

func TestCloseTakesBackWhatWasRegisteredAndClosesInstancesOnce(t *testing.T) {
	m := memory(t)
	kit := open(t, idempotent(), m)
	if err := kit.Register(t.Context(), "orders", registry.Instance{Addr: addrs[0]}); err != nil {
		t.Fatal(err)
	}
	var c callees
	if _, err := client(t, kit, "Get", &c)(t.Context(), "42"); err != nil {
		t.Fatal(err)
	}
	if got := kit.Status().Registered; len(got) != 1 || got[0].Addr != addrs[0] {
		t.Errorf("registered %v", got)
	}
	for range 2 {
		if err := kit.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if c.made.Load() != 1 || c.closed.Load() != 1 {
		t.Errorf("%d endpoints made, %d closed; want 1 and 1", c.made.Load(), c.closed.Load())
	}
	left := make(chan registry.Snapshot, 8)
	stop, err := m.Watch(t.Context(), orders, func(s registry.Snapshot) { left <- s })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if s := <-left; len(s.Instances) != 0 {
		t.Errorf("still registered: %v", s.Instances)
	}
	if _, err := kit.Client("orders", "Get", c.factory); !errors.Is(err, holdfast.ErrClosed) {
		t.Errorf("client of a closed kit: %v", err)
	}
	if err := kit.Register(t.Context(), "orders", registry.Instance{Addr: addrs[0]}); !errors.Is(err, holdfast.ErrClosed) {
		t.Errorf("registration with a closed kit: %v", err)
	}
}

func TestPanicOfAnEndpointIsAnError(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	call, err := kit.Client("orders", "Put", func(string) (endpoint.Endpoint, io.Closer, error) {
		return func(context.Context, any) (any, error) { panic("oops") }, nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(t.Context(), "42"); err == nil || !strings.Contains(err.Error(), "oops") {
		t.Errorf("got %v", err)
	}
}
