package nacossdk_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/nacossdk"
)

// TestServerIsNoNacos puts other servers where the gRPC port of a Nacos server would be, or its HTTP port.
func TestServerIsNoNacos(t *testing.T) {
	t.Parallel()
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	plain, secure := httptest.NewServer(hello), httptest.NewUnstartedServer(hello)
	secure.Config.ErrorLog = discardLog
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	below := func(s *httptest.Server) string { return neighbour(t, s, -1000) }
	same := func(s *httptest.Server) string { return neighbour(t, s, 0) }
	for _, c := range []struct{ name, addr, want string }{
		{"an HTTP server at the gRPC port", below(plain), "speaks HTTP/1"},
		{"a TLS server at the gRPC port", below(secure), "speaks TLS"},
		{"an HTTP server without a gRPC port", same(plain), "speaks HTTP/1"},
		{"a TLS server without a gRPC port", same(secure), "speaks TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			told := make(chan event.Event, 100)
			client := open(t, []string{c.addr}, nacossdk.WithObserver(event.ObserverFunc(func(e event.Event) {
				select {
				case told <- e:
				default:
				}
			})))
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			err := client.Register(ctx, registry.Service{Name: "orders"}, instance)
			if !errors.Is(err, registry.ErrUnavailable) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.addr) {
				t.Errorf("register: %v", err)
			}
			if ctx.Err() != nil {
				t.Error("took the whole context")
			}
			e, ok := (<-told).(event.RegistryUnreachable)
			if !ok || e.Subject != "services" || !strings.Contains(e.Cause.Error(), c.want) {
				t.Errorf("told %+v", e)
			}
		})
	}
}

func neighbour(t *testing.T, s *httptest.Server, offset int) string {
	t.Helper()
	_, digits, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port+offset))
}

// TestSilentServer accepts and never answers: nothing may hang beyond the caller's context.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	port := l.Addr().(*net.TCPAddr).Port - 1000
	c := open(t, []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(port))})
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	begin := time.Now()
	err = c.Register(ctx, registry.Service{Name: "orders"}, instance)
	if !errors.Is(err, registry.ErrUnavailable) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("register: %v after %v", err, time.Since(begin))
	}
}
