package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-kit/kit/endpoint"
	httptransport "github.com/go-kit/kit/transport/http"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/fallback"
	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/tracing"
)

// gateway calls orders through Holdfast.
type gateway struct {
	kit   *holdfast.Kit
	get   endpoint.Endpoint
	calls sync.WaitGroup // under way
}

func openGateway(cfg holdfast.Config, record *recorder, opts ...holdfast.Option) (*gateway, error) {
	kit, err := holdfast.Open(cfg, append(opts, holdfast.WithObserver(record))...)
	if err != nil {
		return nil, err
	}
	get, err := kit.Client(service, method, transport(record),
		holdfast.Key(func(_ context.Context, request any) (string, bool) {
			return fallback.Key(request.(getOrder).ID), true
		}),
		holdfast.Default(func(_ context.Context, request any, _ error) (any, error) {
			return order{ID: request.(getOrder).ID}, nil
		}),
	)
	if err != nil {
		return nil, errors.Join(err, kit.Close())
	}
	return &gateway{kit: kit, get: get}, nil
}

// transport is the sd.Factory: go-kit's HTTP client, with a connection pool for each instance.
func transport(record *recorder) func(addr string) (endpoint.Endpoint, io.Closer, error) {
	return func(addr string) (endpoint.Endpoint, io.Closer, error) {
		pool := &http.Transport{MaxIdleConnsPerHost: concurrency}
		client := httptransport.NewClient(http.MethodGet, baseURL(addr), encodeGetOrder, middleware.CheckStatus(decodeOrder),
			httptransport.SetClient(&http.Client{Transport: pool}),
			httptransport.ClientBefore(tracing.InjectHTTP()),
		).Endpoint()
		return record.counting(client), closerFunc(pool.CloseIdleConnections), nil
	}
}

type closerFunc func()

func (f closerFunc) Close() error { f(); return nil }

// fetch makes one call and says how it went.
func (g *gateway) fetch(ctx context.Context, id string) call {
	c := call{id: id, began: time.Now()}
	ctx, info := holdfast.WithInfo(ctx)
	_, c.err = g.get(withAttempts(ctx, &c.attempts), getOrder{ID: id})
	c.took = time.Since(c.began)
	c.source, c.retries = info.Source, max(0, info.Attempts-1)
	return c
}

// status is what the gateway's Kit knows of orders.
func (g *gateway) status() holdfast.ServiceStatus { return g.kit.Status().Services[0] }

// close lets the calls under way end.
func (g *gateway) close() error {
	g.calls.Wait()
	return g.kit.Close()
}
