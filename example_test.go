package holdfast_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"time"

	"github.com/go-kit/kit/endpoint"
	httptransport "github.com/go-kit/kit/transport/http"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/tracing"
)

// orderFactory makes the endpoint of one instance, as everywhere in go-kit.
func orderFactory(instance string) (endpoint.Endpoint, io.Closer, error) {
	target := &url.URL{Scheme: "http", Host: instance, Path: "/orders"}
	client := httptransport.NewClient(http.MethodGet, target, encodeOrderID, middleware.CheckStatus(decodeOrder),
		httptransport.ClientBefore(tracing.InjectHTTP()))
	return client.Endpoint(), nil, nil
}

func orderKey(_ context.Context, request any) (string, bool) { return request.(string), true }

func encodeOrderID(_ context.Context, r *http.Request, request any) error {
	r.URL.RawQuery = url.Values{"id": {request.(string)}}.Encode()
	return nil
}

func decodeOrder(_ context.Context, r *http.Response) (any, error) {
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	return string(body), err
}

func Example() {
	cfg, err := holdfast.Load("holdfast.yaml") // names the Nacos servers, and that Get may be repeated
	if err != nil {
		log.Fatal(err)
	}
	kit, err := holdfast.Open(cfg) // no network I/O: starts while Nacos is down
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = kit.Close() }()

	get, err := kit.Client("orders", "Get", orderFactory, holdfast.Key(orderKey)) // an endpoint.Endpoint
	if err != nil {
		log.Fatal(err)
	}
	ctx, info := holdfast.WithInfo(context.Background())
	order, err := get(ctx, "42")
	fmt.Println(order, err, info.Source, info.Age, info.Attempts)
}

func Example_provider() {
	cfg, err := holdfast.Load("holdfast.yaml")
	if err != nil {
		log.Fatal(err)
	}
	kit, err := holdfast.Open(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = kit.Close() }() // takes the registration back

	get := kit.Server("orders", "Get")(func(_ context.Context, request any) (any, error) {
		return "order " + request.(string), nil
	})
	http.Handle("/orders", httptransport.NewServer(get, decodeOrderID, httptransport.EncodeJSONResponse,
		httptransport.ServerBefore(tracing.ExtractHTTP())))
	err = kit.Register(context.Background(), "orders", registry.Instance{Addr: "10.0.0.7:8080"})
	switch {
	case errors.Is(err, registry.ErrUnavailable):
		log.Print("not registered yet, will be as soon as Nacos is back: ", err)
	case err != nil:
		log.Fatal(err)
	}
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: time.Second}
	log.Print(server.ListenAndServe())
}

func decodeOrderID(_ context.Context, r *http.Request) (any, error) {
	return r.URL.Query().Get("id"), nil
}
