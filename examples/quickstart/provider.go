package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	httptransport "github.com/go-kit/kit/transport/http"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/tracing"
)

// provider is an HTTP server of orders that registers itself, as a process of its own would: with its own Kit. It can be
// killed, started again at the same address, and made to misbehave.
type provider struct {
	openKit func() (*holdfast.Kit, error)
	fault   atomic.Pointer[fault]
	calls   atomic.Int64 // answered as they should be

	addr    string
	up      bool
	since   time.Time
	mended  bool // and not seen to be called since
	server  *http.Server
	kit     *holdfast.Kit
	serving sync.WaitGroup
	closing sync.WaitGroup // the Kit of a killed one
}

// fault is what a provider does in place of answering, until over is closed.
type fault struct {
	hangs bool // or else it answers 500
	over  chan struct{}
}

func newProvider(openKit func() (*holdfast.Kit, error)) *provider { return &provider{openKit: openKit} }

// start serves and registers. The error wraps registry.ErrUnavailable when Nacos cannot take the registration yet; then
// Holdfast makes it later.
func (p *provider) start(ctx context.Context) error {
	p.closing.Wait()
	listener, err := listen(ctx, p.addr)
	if err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	kit, err := p.openKit()
	if err != nil {
		_ = listener.Close()
		return fmt.Errorf("provider: %w", err)
	}
	p.addr, p.kit, p.up, p.since, p.mended = listener.Addr().String(), kit, true, time.Now(), true
	p.server = &http.Server{Handler: p.handler(), ReadHeaderTimeout: time.Second}
	p.serving.Go(func() { _ = p.server.Serve(listener) })
	if err := kit.Register(ctx, service, registry.Instance{Addr: p.addr}); err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	return nil
}

func (p *provider) handler() http.Handler {
	get := func(_ context.Context, request any) (any, error) {
		return order{ID: request.(getOrder).ID, Provider: p.addr}, nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", httptransport.NewServer(
		p.kit.Server(service, method)(get), decodeGetOrder, encodeOrder,
		httptransport.ServerBefore(tracing.ExtractHTTP()),
	))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := p.fault.Load(); f != nil {
			f.serve(w, r)
			return
		}
		p.calls.Add(1)
		mux.ServeHTTP(w, r)
	})
}

func (f *fault) serve(w http.ResponseWriter, r *http.Request) {
	if f.hangs {
		select {
		case <-f.over:
		case <-r.Context().Done():
		}
	}
	http.Error(w, "out of order", http.StatusInternalServerError)
}

// misbehave makes the provider hang, or answer 500, until heal.
func (p *provider) misbehave(hangs bool) {
	p.fault.Store(&fault{hangs: hangs, over: make(chan struct{})})
}

func (p *provider) heal() {
	if f := p.fault.Swap(nil); f != nil {
		close(f.over)
		p.mended = true
	}
}

// kill ends the provider at once: its port is closed, its connections are reset. What a dead process would not do by
// itself, leaving Nacos, is left to its Kit in the background.
func (p *provider) kill() {
	if !p.up {
		return
	}
	p.up = false
	_ = p.server.Close()
	p.serving.Wait()
	p.closing.Go(func() { _ = p.kit.Close() })
}

// close is kill that waits.
func (p *provider) close() {
	p.heal()
	p.kill()
	p.closing.Wait()
}

// Providers listen below the ports that systems hand out by themselves, so that nobody takes one while it is down.
const lowestPort, highestPort = 10_000, 15_000

// listen listens at addr, or at any free port if it is "". The connections are reset when they are closed.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	for try := 0; ; try++ {
		at := addr
		if at == "" {
			at = net.JoinHostPort("127.0.0.1", strconv.Itoa(lowestPort+rand.IntN(highestPort-lowestPort)))
		}
		l, err := config.Listen(ctx, "tcp", at)
		if err == nil {
			return resetting{l}, nil
		}
		if addr != "" || try == 100 || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, err
		}
	}
}

type resetting struct{ net.Listener }

func (l resetting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	return conn, err
}
