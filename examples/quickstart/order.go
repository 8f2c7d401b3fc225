package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path"

	httptransport "github.com/go-kit/kit/transport/http"
)

// order is what providers answer, and what the gateway keeps for the worst case.
type order struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
}

// getOrder is a request; it travels as GET /orders/{id}.
type getOrder struct{ ID string }

func encodeGetOrder(_ context.Context, r *http.Request, request any) error {
	r.URL.Path = path.Join("/orders", request.(getOrder).ID)
	return nil
}

func decodeGetOrder(_ context.Context, r *http.Request) (any, error) {
	return getOrder{ID: r.PathValue("id")}, nil
}

func decodeOrder(_ context.Context, r *http.Response) (any, error) {
	var o order
	err := json.NewDecoder(r.Body).Decode(&o)
	return o, err
}

func encodeOrder(ctx context.Context, w http.ResponseWriter, response any) error {
	return httptransport.EncodeJSONResponse(ctx, w, response)
}

func baseURL(addr string) *url.URL { return &url.URL{Scheme: "http", Host: addr} }
