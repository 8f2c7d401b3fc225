package nacossdk

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/nacos_server"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

// sdkClient is one RPC client of the SDK: it is connected to one server at a time and moves to another by itself. It is
// thrown away when it cannot be helped otherwise.
type sdkClient struct {
	name   string
	logger *slog.Logger
	http   *httpAgent
	wake   func() // something has changed; must return at once
	ctx    context.Context
	cancel context.CancelFunc

	started  chan struct{} // closed when the SDK's first attempts are over
	server   atomic.Pointer[nacos_server.NacosServer]
	rpc      atomic.Pointer[rpc.RpcClient]
	partial  bool // it does not know all servers
	replaced atomic.Bool
	retired  atomic.Bool
	stopped  atomic.Bool // the SDK says that it tries no more

	mu         sync.Mutex
	node       string // as overheard in the SDK's log: it is said nowhere else
	connection string
	landed     time.Time // when it said that it has a connection, which it takes over a moment later
	losses     int
	failure    string
}

// handlers answer what a server sends on its own account. They must return at once.
type handlers struct {
	module string // constant.LABEL_MODULE_NAMING or _CONFIG
	tenant string
	pushes []push
	reset  func()
}

// subject is what the connection is for, in words.
func (h handlers) subject() string {
	if h.module == constant.LABEL_MODULE_CONFIG {
		return "documents"
	}
	return "services"
}

type push struct {
	empty  func() rpc_request.IRequest
	handle func(from *sdkClient, r rpc_request.IRequest) rpc_response.IResponse
}

// serverRequest is a handler as the SDK wants it.
type serverRequest struct {
	handle func(rpc_request.IRequest) rpc_response.IResponse
}

func (serverRequest) Name() string { return "holdfast" }

func (r serverRequest) RequestReply(request rpc_request.IRequest, _ *rpc.RpcClient) rpc_response.IResponse {
	return r.handle(request)
}

var clientNumber atomic.Uint64

func newSDKClient(conn registry.Connection, servers []registry.Server, h handlers, l *slog.Logger, wake func()) *sdkClient {
	ctx, cancel := context.WithCancel(context.Background())
	c := &sdkClient{
		name:    fmt.Sprintf("holdfast-%s-%d", h.module, clientNumber.Add(1)),
		logger:  l,
		http:    newHTTPAgent(ctx),
		wake:    wake,
		ctx:     ctx,
		cancel:  cancel,
		started: make(chan struct{}),
	}
	go c.start(conn, servers, h)
	return c
}

// start blocks for up to three attempts of three seconds, and for a login before that; nothing can interrupt the SDK in it.
func (c *sdkClient) start(conn registry.Connection, servers []registry.Server, h handlers) {
	defer c.wake()
	defer close(c.started)
	config := constant.ClientConfig{
		TimeoutMs:   uint64(conn.RequestTimeout / time.Millisecond),
		NamespaceId: conn.Namespace,
		Username:    conn.Username,
		Password:    conn.Password,
		TLSCfg:      constant.TLSConfig{Appointed: true}, // or the SDK asks the environment, and ends the process over a bad file
	}
	server, err := nacos_server.NewNacosServer(c.ctx, serverConfigs(servers), config, c.http, config.TimeoutMs, "", nil)
	if err != nil {
		c.fail(err.Error())
		return
	}
	c.server.Store(server)
	client, err := process.create(c.ctx, c, h.module, server, &config)
	if err != nil {
		c.fail(err.Error())
		return
	}
	client.Tenant = h.tenant
	for _, p := range h.pushes {
		handle := func(r rpc_request.IRequest) rpc_response.IResponse { return p.handle(c, r) }
		client.RegisterServerRequestHandler(p.empty, serverRequest{handle})
	}
	c.rpc.Store(client)
	if c.retired.Load() {
		process.shutdown(client) // there is nothing to end, but the SDK forgets it
		c.bury()
		return
	}
	client.Start()
	c.overrule(client, h)
}

// overrule replaces two of the SDK's own answers: a reset to a dead server would hold its client up for ever, and a
// client that was shut down while it connected must not look alive to the server.
func (c *sdkClient) overrule(client *rpc.RpcClient, h handlers) {
	ok := &rpc_response.Response{ResultCode: constant.RESPONSE_CODE_SUCCESS, Success: true}
	client.RegisterServerRequestHandler(func() rpc_request.IRequest {
		return &rpc_request.ConnectResetRequest{InternalRequest: rpc_request.NewInternalRequest()}
	}, serverRequest{func(rpc_request.IRequest) rpc_response.IResponse {
		if !c.replaced.Load() {
			h.reset()
		}
		return &rpc_response.ConnectResetResponse{Response: ok}
	}})
	client.RegisterServerRequestHandler(func() rpc_request.IRequest {
		return &rpc_request.ClientDetectionRequest{InternalRequest: rpc_request.NewInternalRequest()}
	}, serverRequest{func(rpc_request.IRequest) rpc_response.IResponse {
		if c.retired.Load() {
			return nil
		}
		return &rpc_response.ClientDetectionResponse{Response: ok}
	}})
}

func (c *sdkClient) running() bool {
	client := c.rpc.Load()
	return client != nil && !c.retired.Load() && client.IsRunning()
}

func (c *sdkClient) startedUp() bool {
	select {
	case <-c.started:
		return true
	default:
		return false
	}
}

// retire shuts the client down for good. One that is connecting meanwhile ends within a few seconds.
func (c *sdkClient) retire() {
	if c.retired.Swap(true) {
		return
	}
	c.http.close()
	client := c.rpc.Load()
	switch {
	case client == nil:
		c.cancel()
	case c.startedUp() && client.IsRunning():
		process.shutdown(client)
		c.bury()
	default:
		go c.windDown(client)
	}
}

// lastAttempt bounds the SDK's last attempt to connect after a shutdown, with its pause before it.
const lastAttempt = 10 * time.Second

// windDown ends a client that is connecting. Shutting it down does not stop the attempt under way: when that succeeds, the
// SDK takes the client for a running one, which must be shut down again. Until then its goroutines have to go on, for
// without them it would block for ever on its own channels.
func (c *sdkClient) windDown(client *rpc.RpcClient) {
	defer c.bury()
	<-c.started
	tick := time.NewTicker(lookClosely)
	defer tick.Stop()
	for c.landedAfter(time.Now().Add(-lookEvery)) && !client.IsRunning() {
		<-tick.C
	}
	connecting := !client.IsRunning() && !client.IsInitialized()
	shut := time.Now()
	process.shutdown(client)
	for deadline := shut.Add(lastAttempt); connecting && !c.stopped.Load() && time.Now().Before(deadline); <-tick.C {
		if c.landedAfter(shut) {
			<-tick.C // until the SDK has taken the connection over
			connecting = !client.IsRunning()
			shut = time.Now()
			process.shutdown(client)
		}
	}
	<-tick.C // until the SDK has said so to itself
}

// landedAfter reports whether the SDK has taken over a connection since t, or is about to.
func (c *sdkClient) landedAfter(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.landed.After(t)
}

// bury ends the SDK's goroutines.
func (c *sdkClient) bury() {
	c.cancel()
	process.forget(c.name)
}

// identity tells one connection from the next; node is "" when the SDK did not say.
func (c *sdkClient) identity() (connection, node string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connection == "" {
		return c.name + "#" + strconv.Itoa(c.losses), c.node
	}
	return c.name + "/" + c.connection, c.node
}

func (c *sdkClient) lost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.losses++
}

func (c *sdkClient) lastFailure() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

func (c *sdkClient) fail(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failure = reason
}

// overhear learns from the SDK's log which server it is connected to, or why it is not. The SDK would tell a listener that
// there is a connection, too, but not which; and while it tells, it reads what it is changing.
func (c *sdkClient) overhear(format string, args []any) {
	connected := strings.Contains(format, "success to connect")
	failed := strings.Contains(format, "fail to connect")
	if strings.Contains(format, "stop reconnect") {
		c.stopped.Store(true)
	}
	if !connected && !failed {
		return
	}
	c.wake()
	c.mu.Lock()
	defer c.mu.Unlock()
	if connected {
		c.landed = time.Now()
	}
	for _, arg := range args[1:] {
		switch v := arg.(type) {
		case rpc.ServerInfo:
			if connected {
				c.node, c.connection = nodeOf(v), ""
			}
		case string:
			if connected {
				c.connection = v
			} else {
				c.failure = v
			}
		case error:
			c.failure = v.Error()
		}
	}
}

func nodeOf(info rpc.ServerInfo) string {
	var host string
	var port uint64
	text := strings.NewReplacer("serverIp:", "", "serverPort:", "", "serverGrpcPort:", "", "{", "", "}", "").Replace(fmt.Sprintf("%+v", info))
	if _, err := fmt.Sscan(text, &host, &port); err != nil {
		return ""
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.FormatUint(port, 10))
}
