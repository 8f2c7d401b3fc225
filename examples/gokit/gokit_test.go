package gokit_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
)

const soon = 20 * time.Second

var programs string // the folder of both

// TestMain builds them, as a reader of the README would.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "gokit-")
	if err != nil {
		log.Fatal(err)
	}
	programs = folder
	code := 1
	if out, err := exec.Command("go", "build", "-o", folder, "./provider", "./gateway").CombinedOutput(); err != nil {
		log.Printf("go build: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// program is a process that was started.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string

	mu  sync.Mutex
	log strings.Builder
}

func start(t *testing.T, name string, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(filepath.Join(programs, name), append(args, "-listen", "127.0.0.1:0", "-drain", "300ms")...)}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, read := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(read)
		p.read(stderr, addr)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-read
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", name, p.lines())
		}
	})
	select {
	case p.addr = <-addr:
	case <-read:
		t.Fatalf("it ended at once:\n%s", p.lines())
	case <-time.After(soon):
		t.Fatalf("it does not listen:\n%s", p.lines())
	}
	return p
}

func (p *program) read(stderr io.Reader, addr chan<- string) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		p.mu.Lock()
		fmt.Fprintln(&p.log, lines.Text())
		p.mu.Unlock()
		var line struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			addr <- line.Addr
		}
	}
}

func (p *program) lines() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// get returns 0 when there is no answer.
func (p *program) get(path string) (code int, header http.Header, body string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

func (p *program) eventually(path string, want int) {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(soon); ; <-tick.C {
		code, _, body := p.get(path)
		if code == want {
			return
		}
		if time.Now().After(limit) {
			p.t.Fatalf("%s: %d %s", path, code, body)
		}
	}
}

// terminate ends the process as Kubernetes does.
func (p *program) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.eventually("/healthz", 0)
	state, err := p.cmd.Process.Wait()
	if err != nil || !state.Success() {
		p.t.Errorf("ended with %v, %v", state, err)
	}
}

func TestProviderAndGateway(t *testing.T) {
	t.Parallel()
	cluster := nacostest.NewCluster(t, 3)
	nacos := strings.Join(cluster.Addrs(), ",")
	provider := start(t, "provider", "-nacos", nacos)
	gateway := start(t, "gateway", "-nacos", nacos, "-cache", t.TempDir())

	provider.eventually("/readyz", http.StatusOK)
	gateway.eventually("/readyz", http.StatusOK)
	gateway.eventually("/orders/7", http.StatusOK)
	code, header, body := gateway.get("/orders/7")
	if code != http.StatusOK || header.Get("Holdfast-Source") != "live" || !strings.Contains(body, `"id":7`) || !strings.Contains(body, provider.addr) {
		t.Errorf("a call: %d %v %s", code, header, body)
	}
	if code, _, body := gateway.get("/orders/none"); code != http.StatusNotFound {
		t.Errorf("an order that cannot be: %d %s", code, body)
	}
	for p, metric := range map[*program]string{
		provider: `rpc_server_call_duration_seconds_count{`,
		gateway:  `rpc_client_call_duration_seconds_count{`,
	} {
		code, _, body := p.get("/metrics")
		if code != http.StatusOK || !strings.Contains(body, metric) || !strings.Contains(body, `rpc_method="orders/Get"`) {
			t.Errorf("/metrics: %d, without %s:\n%s", code, metric, body)
		}
	}
	if trace := traceOf(t, gateway.lines()); !strings.Contains(provider.lines(), trace) {
		t.Errorf("the provider does not log the gateway's trace %s:\n%s", trace, provider.lines())
	}

	provider.terminate()
	for _, node := range cluster.Nodes() {
		if left := node.Instances("", "", "orders"); len(left) > 0 {
			t.Errorf("still registered at %s: %v", node.Addr(), left)
		}
	}
	code, header, body = gateway.get("/orders/7")
	if code != http.StatusOK || header.Get("Holdfast-Source") != "stale" {
		t.Errorf("a call after the provider has left: %d %v %s", code, header, body)
	}
	if code, _, body := gateway.get("/orders/8"); code < http.StatusInternalServerError {
		t.Errorf("an order that nobody knows: %d %s", code, body)
	}
	gateway.terminate()
}

// traceOf returns the trace of the last line that has one.
func traceOf(t *testing.T, log string) string {
	t.Helper()
	trace := ""
	for text := range strings.Lines(log) {
		var line struct {
			Trace string `json:"trace_id"`
		}
		if json.Unmarshal([]byte(text), &line) == nil && line.Trace != "" {
			trace = line.Trace
		}
	}
	if trace == "" {
		t.Fatalf("no trace_id in\n%s", log)
	}
	return trace
}

func TestBothStartWhileNacosIsDown(t *testing.T) {
	t.Parallel()
	cluster := nacostest.NewCluster(t, 1)
	cluster.Node(0).Kill()
	nacos := strings.Join(cluster.Addrs(), ",")
	provider := start(t, "provider", "-nacos", nacos)
	gateway := start(t, "gateway", "-nacos", nacos, "-cache", t.TempDir())

	if code, _, body := gateway.get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "orders") {
		t.Errorf("ready without a list: %d %s", code, body)
	}
	if code, _, _ := gateway.get("/healthz"); code != http.StatusOK {
		t.Errorf("not healthy: %d", code)
	}
	if code, _, body := provider.get("/readyz"); code != http.StatusOK {
		t.Errorf("the provider does not need Nacos to serve: %d %s", code, body)
	}
	if err := cluster.Node(0).Restart(false); err != nil {
		t.Fatal(err)
	}
	gateway.eventually("/readyz", http.StatusOK)
	gateway.eventually("/orders/7", http.StatusOK)
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"provider", "gateway"} {
		for _, args := range [][]string{{"-nacos", "a:b"}, {"-nacos", ""}, {"now"}} {
			cmd := exec.CommandContext(t.Context(), filepath.Join(programs, program), append([]string{"-listen", "127.0.0.1:0"}, args...)...)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), program+": ") || strings.Contains(string(out), "panic") {
				t.Errorf("%s %q: %v\n%s", program, args, err, out)
			}
		}
	}
}
