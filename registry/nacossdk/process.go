package nacossdk

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/logger"
	"github.com/nacos-group/nacos-sdk-go/v2/common/nacos_server"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc"
	"github.com/nacos-group/nacos-sdk-go/v2/util"
)

// process guards what the SDK keeps once per process: its table of connections, which it writes without a lock when one
// is shut down, and its logger.
var process sdkProcess

type sdkProcess struct {
	table     sync.Mutex
	installed bool

	logs     sync.Mutex
	logger   *slog.Logger          // of the Client opened last: for lines that belong to no connection
	sessions map[string]*sdkClient // by name, which begins the lines of a connection
	attempts map[string]*attempt   // by mark
}

// adopt makes the SDK log through this package, once, and remembers where its lines go.
func (p *sdkProcess) adopt(l *slog.Logger) {
	p.logs.Lock()
	p.logger = l
	p.logs.Unlock()
	p.table.Lock()
	defer p.table.Unlock()
	if !p.installed {
		p.installed = true
		logger.SetLogger(forwarder{p})
		util.LocalIP() // which the SDK looks up at first use, in whatever goroutines come first
	}
}

func (p *sdkProcess) create(
	ctx context.Context, s *sdkClient, module string, server *nacos_server.NacosServer, config *constant.ClientConfig,
) (*rpc.RpcClient, error) {
	p.logs.Lock()
	if p.sessions == nil {
		p.sessions = make(map[string]*sdkClient)
	}
	p.sessions[s.name] = s
	p.logs.Unlock()

	p.table.Lock()
	defer p.table.Unlock()
	labels := map[string]string{constant.LABEL_SOURCE: constant.LABEL_SOURCE_SDK, constant.LABEL_MODULE: module}
	c, err := rpc.CreateClient(ctx, s.name, rpc.GRPC, labels, server, &config.TLSCfg, nil)
	if err != nil {
		return nil, fmt.Errorf("nacossdk: %w", err)
	}
	return c.GetRpcClient(), nil
}

// shutdown holds back the SDK's log meanwhile: its client says so before it changes the connection that is closed here.
func (p *sdkProcess) shutdown(c *rpc.RpcClient) {
	p.table.Lock()
	defer p.table.Unlock()
	p.logs.Lock()
	defer p.logs.Unlock()
	c.Shutdown()
}

func (p *sdkProcess) forget(name string) {
	p.logs.Lock()
	defer p.logs.Unlock()
	delete(p.sessions, name)
}

func (p *sdkProcess) begin(a *attempt) {
	p.logs.Lock()
	defer p.logs.Unlock()
	if p.attempts == nil {
		p.attempts = make(map[string]*attempt)
	}
	p.attempts[a.mark] = a
}

func (p *sdkProcess) finish(a *attempt) {
	p.logs.Lock()
	defer p.logs.Unlock()
	delete(p.attempts, a.mark)
}

// failed ends an attempt that the SDK says has failed; see attempt.
func (p *sdkProcess) failed(args []any) {
	p.logs.Lock()
	var found *attempt
	var cause error
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			if a := p.attempts[v]; a != nil {
				found = a
			}
		case error:
			cause = v
		}
	}
	p.logs.Unlock()
	if found != nil && cause != nil {
		found.err = cause
		panic(found)
	}
}

// line takes one line of the SDK's log. Every line passes the lock, which also puts the SDK's goroutines in an order that
// it does not care for itself: they log before and after they touch the connection that they share.
func (p *sdkProcess) line(level, format string, args []any) {
	if strings.Contains(format, "params:<%s>") { // of a failed HTTP request, with the access token
		return
	}
	p.logs.Lock()
	to := p.logger
	if len(args) > 0 {
		if name, ok := args[0].(string); ok {
			if s := p.sessions[name]; s != nil {
				to = s.logger
				s.overhear(format, args)
			}
		}
	}
	p.logs.Unlock()
	if to == nil || !to.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	text := fmt.Sprintf(format, args...)
	if format == "" {
		text = fmt.Sprint(args...)
	}
	to.Debug("nacos sdk: "+text, "sdk_level", level)
}

// forwarder is the SDK's logger. Its debug lines are dropped: they hold access tokens.
type forwarder struct{ to *sdkProcess }

func (forwarder) Debug(...any)                   {}
func (forwarder) Debugf(string, ...any)          {}
func (f forwarder) Info(args ...any)             { f.to.line("info", "", args) }
func (f forwarder) Warn(args ...any)             { f.to.line("warn", "", args) }
func (f forwarder) Error(args ...any)            { f.to.line("error", "", args) }
func (f forwarder) Infof(s string, args ...any)  { f.to.line("info", s, args) }
func (f forwarder) Warnf(s string, args ...any)  { f.to.line("warn", s, args) }
func (f forwarder) Errorf(s string, args ...any) { f.to.failed(args); f.to.line("error", s, args) }
func (forwarder) Close() error                   { return nil }
