package registry

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/event"
)

// SDTimeout bounds each of SDRegistrar's requests.
const SDTimeout = 5 * time.Second

// SDRegistrar declares one instance of one service in the manner of go-kit's sd.Registrar, whose methods have neither
// context nor error: errors are reported (event.RegistryFailed). A registration that times out is made as soon as a
// server can be reached.
type SDRegistrar struct {
	registrar Registrar
	service   Service
	instance  Instance
	observer  event.Observer
}

// NewSDRegistrar returns an SDRegistrar that declares i as an instance of s to r.
func NewSDRegistrar(r Registrar, s Service, i Instance, opts ...Option) *SDRegistrar {
	return &SDRegistrar{registrar: r, service: s, instance: i.Clone(), observer: newOptions(opts).observer}
}

// Register declares the instance. It returns when a server has accepted it, or after SDTimeout.
func (r *SDRegistrar) Register() { r.do("register", r.registrar.Register) }

// Deregister takes the declaration back. It returns when that is done, or after SDTimeout.
func (r *SDRegistrar) Deregister() { r.do("deregister", r.registrar.Deregister) }

func (r *SDRegistrar) do(what string, request func(context.Context, Service, Instance) error) {
	ctx, cancel := context.WithTimeout(context.Background(), SDTimeout)
	defer cancel()
	if err := request(ctx, r.service, r.instance); err != nil {
		r.observer.Observe(event.RegistryFailed{Doing: what, Subject: r.service.String(), Cause: err})
	}
}
