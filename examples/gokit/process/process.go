// Package process is what the provider and the gateway do alike: how they log and measure, which pages they show to
// Prometheus and to probes, and how they come and go.
package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/tracing"
)

// Process is one of the two programs.
type Process struct {
	Logger *slog.Logger

	nacos   string
	listen  string
	drain   time.Duration
	tracer  *sdktrace.TracerProvider
	meter   *sdkmetric.MeterProvider
	metrics *prometheus.Registry
	leaving atomic.Bool
}

// New makes a process and reads its flags: those that all have, and those that add defines.
func New(name, listen string, args []string, add func(*flag.FlagSet)) (*Process, error) {
	p := &Process{
		Logger:  slog.New(tracing.LogHandler(slog.NewJSONHandler(os.Stderr, nil))),
		metrics: prometheus.NewRegistry(),
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&p.nacos, "nacos", "127.0.0.1:8848", "`addresses` of the Nacos servers, a comma list of host:port")
	flags.StringVar(&p.listen, "listen", listen, "`address` to listen at")
	flags.DurationVar(&p.drain, "drain", 2*time.Second, "`time` between leaving and the end, for callers to notice")
	if add != nil {
		add(flags)
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(p.metrics))
	if err != nil {
		return nil, err
	}
	self := resource.NewSchemaless(attribute.String("service.name", name))
	p.meter = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(self))
	p.tracer = sdktrace.NewTracerProvider(sdktrace.WithResource(self)) // a span exporter would be added here
	return p, nil
}

// Open makes the Kit, with the servers of the flags. NACOS_USERNAME and NACOS_PASSWORD say how to log in.
func (p *Process) Open(cfg holdfast.Config) (*holdfast.Kit, error) {
	cfg.Nacos.Servers = strings.Split(p.nacos, ",")
	cfg.Nacos.Username, cfg.Nacos.Password = os.Getenv("NACOS_USERNAME"), os.Getenv("NACOS_PASSWORD")
	return holdfast.Open(cfg,
		holdfast.WithLogger(p.Logger), holdfast.WithTracerProvider(p.tracer), holdfast.WithMeterProvider(p.meter))
}

// Listen opens the port, so that its address is known before anybody is told of it.
func (p *Process) Listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", p.listen)
}

// Pages adds /metrics for Prometheus, /healthz (the process lives) and /readyz (it should get traffic).
func (p *Process) Pages(mux *http.ServeMux, kit *holdfast.Kit) {
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		err := kit.Ready()
		if p.leaving.Load() {
			err = errors.New("leaving")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
}

// Serve serves until ctx ends. Then it says that it is not ready, leaves, gives the callers the time to notice, and waits
// for the requests under way.
func (p *Process) Serve(ctx context.Context, l net.Listener, handler http.Handler, leave func(context.Context) error) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	p.Logger.Info("listening", "addr", l.Addr().String())

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	p.Logger.Info("leaving")
	p.leaving.Store(true)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.drain+10*time.Second)
	defer cancel()
	err := leave(end)
	time.Sleep(p.drain)
	err = errors.Join(err, server.Shutdown(end))
	if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	p.Logger.Info("left")
	return err
}

// Close ends what the process measures with.
func (p *Process) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return errors.Join(p.tracer.Shutdown(ctx), p.meter.Shutdown(ctx))
}

// Pending reports whether a registration that failed will be made later: no server could be reached yet.
func Pending(err error) bool {
	return errors.Is(err, registry.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}
