package nacossdk

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/nacostest"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

var lasting = registry.Instance{Addr: "10.0.0.9:8080", Persistent: true}.WithDefaults()

// front is a server that passes gRPC on to a node and answers HTTP by itself.
func front(t *testing.T, node *nacostest.Node, h http.HandlerFunc) registry.Server {
	t.Helper()
	for range 100 {
		server := served(t, h)
		back, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(server.GRPCPort))))
		if err != nil {
			continue // in use
		}
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(func() {
			cancel()
			_ = back.Close()
		})
		go func() {
			for {
				in, err := back.Accept()
				if err != nil {
					return
				}
				pass(ctx, in, node.GRPCAddr())
			}
		}()
		return server
	}
	t.Fatal("no two ports are free")
	return registry.Server{}
}

// pass joins in with a connection to addr until one of them ends or ctx does.
func pass(ctx context.Context, in net.Conn, addr string) {
	out, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		_ = in.Close()
		return
	}
	end := func() {
		_ = in.Close()
		_ = out.Close()
	}
	context.AfterFunc(ctx, end)
	copying := func(to io.Writer, from io.Reader) {
		defer end()
		_, _ = io.Copy(to, from)
	}
	go copying(in, out)
	go copying(out, in)
}

// hang waits until the client leaves, which a server learns only once it has read the request.
func hang(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// TestSilentHTTPPort: persistent instances need HTTP; nobody else may wait for it.
func TestSilentHTTPPort(t *testing.T) {
	t.Parallel()
	cluster := nacostest.NewCluster(t, 1)
	asked := make(chan struct{}, 100)
	server := front(t, cluster.Node(0), func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		hang(r)
	})
	c, err := Open(registry.Connection{Servers: []string{server.String()}, RequestTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	outcome := make(chan error, 1)
	go func() { outcome <- c.Register(context.Background(), registry.Service{Name: "db"}, lasting) }()
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := c.Register(ctx, orders, provider); err != nil {
		t.Errorf("another service: %v", err)
	}
	if err := c.Deregister(ctx, orders, provider); err != nil {
		t.Errorf("another service: %v", err)
	}
	_ = c.Close() // does not wait for the answer either
	if err := <-outcome; !errors.Is(err, registry.ErrClosed) {
		t.Errorf("the persistent instance: %v", err)
	}
}

// TestLastingInstanceTakenBack: a server has stored an instance and then failed, so that nobody knows.
func TestLastingInstanceTakenBack(t *testing.T) {
	t.Parallel()
	cluster := nacostest.NewCluster(t, 1)
	var stored atomic.Bool
	server := front(t, cluster.Node(0), func(w http.ResponseWriter, r *http.Request) {
		stored.Store(r.Method != http.MethodDelete)
		if stored.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	n, d := idleNaming(t, server.String()), &declaration{service: orders}
	if err := n.publish(d, map[string]registry.Instance{lasting.Addr: lasting}); !errors.Is(err, registry.ErrUnavailable) {
		t.Fatalf("publish: %v", err)
	}
	if err := n.publish(d, nil); err != nil || stored.Load() {
		t.Errorf("taken back: %v, still stored: %t", err, stored.Load())
	}
}

// asking asks servers that answer so.
func asking(t *testing.T, timeout time.Duration, handlers ...http.HandlerFunc) error {
	t.Helper()
	var servers []registry.Server
	for _, h := range handlers {
		servers = append(servers, served(t, h))
	}
	k := newLink(registry.Connection{RequestTimeout: timeout}, servers, handlersOfNaming, event.Discard{}, silent, func() {})
	t.Cleanup(k.close)
	return k.ask(&sdkClient{http: newHTTPAgent(t.Context())}, http.MethodDelete, map[string]string{"ip": "10.0.0.9"})
}

var handlersOfNaming = handlers{module: constant.LABEL_MODULE_NAMING}

func answering(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func TestServersAreAskedUntilOneAnswers(t *testing.T) {
	t.Parallel()
	broken, fine := answering(503, "no leader"), answering(200, "ok")
	for range 5 { // in random order
		if err := asking(t, time.Hour, broken, broken, fine); err != nil {
			t.Error(err)
		}
	}
	err := asking(t, time.Hour, broken, broken)
	if !errors.Is(err, registry.ErrUnavailable) || strings.Count(err.Error(), "answers 503: no leader") != 2 {
		t.Errorf("all broken: %v", err)
	}
	var answer *answerError
	err = asking(t, time.Hour, answering(403, "no right"))
	if !errors.As(err, &answer) || answer.Code != 403 || !errors.Is(err, registry.ErrRefused) {
		t.Errorf("refused: %v", err)
	}
}

func TestServersShareTheTimeOfOneRequest(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	hung := func(_ http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		hang(r)
	}
	err := asking(t, 100*time.Millisecond, hung, hung)
	var named *url.Error
	if !errors.Is(err, registry.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &named) {
		t.Errorf("got %v", err)
	}
	if n := requests.Load(); n > 2 {
		t.Errorf("%d requests to two servers", n)
	}
}
