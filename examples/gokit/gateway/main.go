// Command gateway is a go-kit service that calls the orders service through Holdfast. README.md in the folder above tells how to start it.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/go-kit/kit/endpoint"
	httptransport "github.com/go-kit/kit/transport/http"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/examples/gokit/orders"
	"github.com/holdfast-go/holdfast/examples/gokit/process"
	"github.com/holdfast-go/holdfast/fallback"
	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/tracing"
)

//go:embed holdfast.yaml
var document []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	cfg, err := holdfast.Parse("holdfast.yaml", document)
	if err != nil {
		return err
	}
	p, err := process.New("gateway", "127.0.0.1:8080", args, func(flags *flag.FlagSet) {
		flags.StringVar(&cfg.Nacos.Disk.Dir, "cache", "", "`folder` of the last known lists; default: holdfast in the user's cache folder")
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

	kit, err := p.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kit.Close()) }()
	call, err := kit.Client(orders.Service, orders.Get, factory, holdfast.Key(key))
	if err != nil {
		return err
	}

	get := kit.Server("gateway", "GetOrder")(func(ctx context.Context, request any) (any, error) {
		ctx, info := holdfast.WithInfo(ctx)
		order, err := call(ctx, request)
		p.Logger.InfoContext(ctx, "order asked for", "id", request.(orders.GetRequest).ID,
			"source", info.Source, "attempts", info.Attempts, "provider", info.Instance, "error", err)
		return answer{order, info}, err
	})
	mux := http.NewServeMux()
	mux.Handle(orders.Pattern, httptransport.NewServer(get, orders.DecodeGet, encodeAnswer,
		httptransport.ServerBefore(tracing.ExtractHTTP()), httptransport.ServerErrorEncoder(encodeError)))
	p.Pages(mux, kit)
	return p.Serve(ctx, listener, mux, func(context.Context) error { return nil })
}

// factory makes the endpoint of one provider.
func factory(addr string) (endpoint.Endpoint, io.Closer, error) {
	client := httptransport.NewClient(http.MethodGet, &url.URL{Scheme: "http", Host: addr},
		orders.EncodeGet, middleware.CheckStatus(orders.DecodeOrder), httptransport.ClientBefore(tracing.InjectHTTP()))
	return client.Endpoint(), nil, nil
}

// key names all that an answer depends on. A service with tenants would name the tenant, too.
func key(_ context.Context, request any) (string, bool) {
	return fallback.Key(strconv.Itoa(request.(orders.GetRequest).ID)), true
}

type answer struct {
	order any
	info  *holdfast.Info
}

// encodeAnswer tells the caller how the answer came about, and its age when it is not live.
func encodeAnswer(ctx context.Context, w http.ResponseWriter, response any) error {
	a := response.(answer)
	w.Header().Set("Holdfast-Source", string(a.info.Source))
	if a.info.Source != holdfast.SourceLive {
		w.Header().Set("Age", strconv.Itoa(int(a.info.Age.Seconds())))
	}
	return httptransport.EncodeJSONResponse(ctx, w, a.order)
}

func encodeError(_ context.Context, err error, w http.ResponseWriter) {
	var status *middleware.StatusError
	var failed *holdfast.CallError
	code := http.StatusBadGateway
	switch {
	case errors.Is(err, orders.ErrNotFound):
		code = http.StatusNotFound
	case errors.As(err, &status) && status.Code < http.StatusInternalServerError:
		code = status.Code
	case errors.As(err, &failed) && (failed.Outcome == policy.NoInstance || failed.Outcome == policy.ShortCircuited):
		code = http.StatusServiceUnavailable
	case errors.As(err, &failed) && failed.Outcome == policy.TimedOut:
		code = http.StatusGatewayTimeout
	}
	http.Error(w, err.Error(), code)
}
