// Package orders is what the provider and the gateway agree on: an order, how it is asked for, and how both travel over
// HTTP.
package orders

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"strconv"
)

// Service and Get are the names by which Nacos and the policy know the service and its method.
const (
	Service = "orders"
	Get     = "Get"
)

// Pattern is where a service answers, for http.ServeMux.
const Pattern = "GET /orders/{id}"

// ErrNotFound says that there is no such order.
var ErrNotFound = errors.New("orders: no such order")

// Order is an answer.
type Order struct {
	ID       int    `json:"id"`
	Provider string `json:"provider"` // which one answered
}

// GetRequest asks for an order.
type GetRequest struct{ ID int }

// EncodeGet writes a GetRequest to a request for the root of a provider.
func EncodeGet(_ context.Context, r *http.Request, request any) error {
	r.URL.Path = path.Join("/orders", strconv.Itoa(request.(GetRequest).ID))
	return nil
}

// DecodeGet reads a GetRequest from a request that matched Pattern.
func DecodeGet(_ context.Context, r *http.Request) (any, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 1 {
		return nil, ErrNotFound
	}
	return GetRequest{ID: id}, nil
}

// DecodeOrder reads an Order.
func DecodeOrder(_ context.Context, r *http.Response) (any, error) {
	var o Order
	err := json.NewDecoder(r.Body).Decode(&o)
	return o, err
}
