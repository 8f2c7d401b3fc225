package holdfast_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

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
	synctest.Test(t, func(t *testing.T) {
		m := memory(t)
		m.Push(snapshot(addrs...))
		late := lateRegistry{m, make(chan struct{})}
		cfg := idempotent()
		cfg.Defaults.Breaker.Disabled = policy.True // hystrix-go does not stand fake time
		kit := open(t, cfg, late)
		var c callees
		call := client(t, kit, "Get", &c)
		if kit.Ready() == nil {
			t.Error("ready without a list")
		}
		begun := time.Now()
		if _, err := call(t.Context(), "42"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("no list came: %v after %v, want the call's deadline after 1s", err, time.Since(begun))
		}
		time.AfterFunc(999*time.Millisecond, func() { close(late.speak) })
		if _, err := call(t.Context(), "42"); err != nil {
			t.Errorf("list came while the call waited: %v", err)
		}
		if err := kit.Ready(); err != nil {
			t.Errorf("not ready with a list: %v", err)
		}
	})
}

// lateRegistry says nothing until it may speak.
type lateRegistry struct {
	*registrytest.Memory
	speak chan struct{}
}

func (l lateRegistry) Watch(ctx context.Context, s registry.Service, fn func(registry.Snapshot)) (func(), error) {
	return l.Memory.Watch(ctx, s, func(s registry.Snapshot) {
		<-l.speak
		fn(s)
	})
}

// callOnce is a program that makes one call and ends.
func callOnce(t *testing.T, cfg holdfast.Config, r holdfast.Registry, c *callees) {
	t.Helper()
	kit := open(t, cfg, r)
	if _, err := client(t, kit, "Get", c)(t.Context(), "42"); err != nil {
		t.Fatal(err)
	}
	if err := kit.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRestartWithoutRegistryServesFromDisk(t *testing.T) {
	cfg := idempotent()
	cfg.Nacos.Disk = registry.Disk{Dir: t.TempDir()}
	m := memory(t)
	m.Push(snapshot(addrs...))
	var c callees

	callOnce(t, cfg, m, &c)

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

// A registry that was handed in has no name by which its lists could be told from another's.
func TestRegistriesThatAreHandedInShareNoFolder(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	cfg := idempotent()
	cfg.Nacos.Disk.Disabled = false
	m := memory(t)
	m.Push(snapshot(addrs...))
	var c callees
	callOnce(t, cfg, m, &c)
	other := memory(t)
	other.Fail(registry.ErrUnavailable)
	if answer, err := client(t, open(t, cfg, other), "Get", &c)(t.Context(), "42"); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("another registry's instance answered: %v, %v", answer, err)
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
	if left := registered(t, m); len(left) != 0 {
		t.Errorf("still registered: %v", left)
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
