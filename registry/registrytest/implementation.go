// Package registrytest tests implementations of the registry contract and offers one in memory for tests of its users.
package registrytest

import (
	"context"

	"github.com/holdfast-go/holdfast/registry"
)

// Implementation is one open client of an implementation.
type Implementation struct {
	Registrar registry.Registrar
	Watcher   registry.Watcher
	Configs   registry.Configs

	// Close ends the client. After it every method of the three gives registry.ErrClosed.
	Close func() error

	// RemoveConfig removes a document at the servers. Optional: the contract has no such method, so what follows from a
	// removal is tested only if there is another way.
	RemoveConfig func(ctx context.Context, k registry.ConfigKey) error
}

// Implementation is the client as Run wants it.
func (m *Memory) Implementation() Implementation {
	return Implementation{Registrar: m, Watcher: m, Configs: m, Close: m.Close, RemoveConfig: m.RemoveConfig}
}
