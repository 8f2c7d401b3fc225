package nacossdk

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/nacos_server"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
)

var silent = slog.New(slog.DiscardHandler)

// unstarted is the client of that name in the SDK's table, or else a new one. It is taken off at the end.
func unstarted(t *testing.T, name string) *rpc.RpcClient {
	t.Helper()
	process.adopt(silent)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	config := constant.ClientConfig{TLSCfg: constant.TLSConfig{Appointed: true}}
	server, err := nacos_server.NewNacosServer(ctx, serverConfigs([]registry.Server{{Host: "127.0.0.1", Port: 1}}), config, nil, 1, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := process.create(ctx, &sdkClient{name: name, logger: silent}, constant.LABEL_MODULE_NAMING, server, &config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		process.shutdown(client)
		process.forget(name)
	})
	return client
}

// TestClosedDuringTheLogin: the SDK must not keep a client that never came to connect.
func TestClosedDuringTheLogin(t *testing.T) {
	t.Parallel()
	process.adopt(silent)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	conn := registry.Connection{Servers: []string{l.Addr().String()}, Username: "nacos", Password: "right"}.WithDefaults()
	servers, err := conn.Parse()
	if err != nil {
		t.Fatal(err)
	}
	c := newSDKClient(conn, servers, handlers{module: constant.LABEL_MODULE_NAMING}, silent, func() {})
	c.retire()
	<-c.started
	if unstarted(t, c.name) == c.rpc.Load() {
		t.Error("the SDK's table still holds it")
	}
}

// counting counts how often a request is asked for its body.
type counting struct {
	rpc_request.IRequest
	bodies int
}

func (c *counting) GetBody(rpc_request.IRequest) string {
	c.bodies++
	return c.IRequest.GetBody(c.IRequest)
}

// TestAttemptWithoutAConnection: the connection may be lost just before the SDK looks for it.
func TestAttemptWithoutAConnection(t *testing.T) {
	t.Parallel()
	r := &counting{IRequest: rpc_request.NewConfigPublishRequest("g", "d", "", "content", "")}
	_, err := newAttempt(r).try(unstarted(t, t.Name()), 3000)
	if err == nil || !unconnected(err) {
		t.Errorf("got %v", err)
	}
	if r.bodies > 0 {
		t.Error("the contents went into the SDK's log")
	}
}

// TestTokensStayOutOfTheLog has the SDK report a failed HTTP request with its parameters.
func TestTokensStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	own := &sdkProcess{logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	forwarder{own}.Errorf("api<%s>,method:<%s>, params:<%s>, call domain error:<%+v> , result:<%s>", "/v1", "POST", `{"accessToken":"abc"}`, "no", "")
	forwarder{own}.Warnf("%s said something else", "somebody")
	if text := log.String(); strings.Contains(text, "abc") || !strings.Contains(text, "something else") {
		t.Errorf("logged %q", text)
	}
}
