// Command provider is a go-kit service of orders that registers itself with Nacos. README.md in the folder above tells how to start it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	httptransport "github.com/go-kit/kit/transport/http"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/examples/gokit/orders"
	"github.com/holdfast-go/holdfast/examples/gokit/process"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/tracing"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	var advertised string
	p, err := process.New("provider", "127.0.0.1:8081", args, func(flags *flag.FlagSet) {
		flags.StringVar(&advertised, "advertise", "", "`address` that callers reach; default: the one listened at")
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	listener, err := p.Listen(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // if the server has not
	if advertised == "" {
		advertised = listener.Addr().String()
	}

	var cfg holdfast.Config
	cfg.Nacos.Disk.Disabled = true // it calls no other service, so there are no lists to keep
	kit, err := p.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kit.Close()) }()

	get := kit.Server(orders.Service, orders.Get)(func(ctx context.Context, request any) (any, error) {
		id := request.(orders.GetRequest).ID
		p.Logger.InfoContext(ctx, "order asked for", "id", id)
		return orders.Order{ID: id, Provider: advertised}, nil
	})
	mux := http.NewServeMux()
	mux.Handle(orders.Pattern, httptransport.NewServer(get, orders.DecodeGet, httptransport.EncodeJSONResponse,
		httptransport.ServerBefore(tracing.ExtractHTTP()), httptransport.ServerErrorEncoder(encodeError)))
	p.Pages(mux, kit)

	self := registry.Instance{Addr: advertised}
	soon, cancel := context.WithTimeout(ctx, 5*time.Second)
	err = kit.Register(soon, orders.Service, self)
	cancel()
	switch {
	case err != nil && process.Pending(err):
		p.Logger.Warn("not registered yet; it will be made up for", "error", err)
	case err != nil:
		return err
	}
	return p.Serve(ctx, listener, mux, func(ctx context.Context) error { return kit.Deregister(ctx, orders.Service, self) })
}

func encodeError(_ context.Context, err error, w http.ResponseWriter) {
	code := http.StatusInternalServerError
	if errors.Is(err, orders.ErrNotFound) {
		code = http.StatusNotFound
	}
	http.Error(w, err.Error(), code)
}
