package nacostest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	pb "github.com/nacos-group/nacos-sdk-go/v2/api/grpc"
	"google.golang.org/grpc"
)

const maxMessage = 10 << 20 // bytes, as on the Java server

// run is a node's process between a start and a kill.
type run struct {
	node     *Node
	life     int
	web, rpc *gatedListener
	webSrv   *http.Server
	rpcSrv   *grpc.Server
	ctx      context.Context // ends with the run
	end      context.CancelFunc
	serving  sync.WaitGroup

	connections map[string]*connection // by identity; guarded by cluster.mu
}

func newRun(n *Node, web, rpc net.Listener) *run {
	r := &run{
		node: n, life: n.life,
		web: newGatedListener(web, n.gate), rpc: newGatedListener(rpc, n.gate),
		connections: make(map[string]*connection),
	}
	r.ctx, r.end = context.WithCancel(context.Background())
	r.webSrv = &http.Server{
		Handler:           newHTTP(r),
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return r.ctx },
		ErrorLog:          slog.NewLogLogger(n.cluster.settings.logger.Handler(), slog.LevelDebug),
	}
	r.rpcSrv = grpc.NewServer(
		grpc.StatsHandler(transports{r}),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.WaitForHandlers(true),
	)
	pb.RegisterRequestServer(r.rpcSrv, unaryServer{run: r})
	pb.RegisterBiRequestStreamServer(r.rpcSrv, streamServer{run: r})
	return r
}

func (r *run) serve() {
	logger := r.node.cluster.settings.logger
	r.serving.Go(func() {
		if err := r.webSrv.Serve(r.web); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			logger.Debug("HTTP server ended", "node", r.node.Addr(), "error", err)
		}
	})
	r.serving.Go(func() {
		if err := r.rpcSrv.Serve(r.rpc); err != nil && !errors.Is(err, net.ErrClosed) {
			logger.Debug("gRPC server ended", "node", r.node.Addr(), "error", err)
		}
	})
}

func (r *run) kill() {
	r.end()
	r.rpc.kill()
	r.web.kill()
	r.rpcSrv.Stop()
	_ = r.webSrv.Close()
	r.serving.Wait()
}

// alive reports whether the run is its node's present one. The cluster's lock is held.
func (r *run) alive() bool { return r.node.run == r }

func connectionID(remote net.Addr) string {
	host, port, err := net.SplitHostPort(remote.String())
	if err != nil {
		host, port = remote.String(), "0"
	}
	return fmt.Sprintf("%d_%s_%s", time.Now().UnixMilli(), host, port)
}
