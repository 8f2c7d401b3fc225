package holdfast

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/registry"
)

// Register declares that this program serves the service at i.Addr, and returns when a server has accepted it. The
// declaration is kept true, also over outages, until Deregister or Close: an error that wraps registry.ErrUnavailable
// means that no server could be reached yet. An instance that nobody could call is refused with a *policy.Error.
func (k *Kit) Register(ctx context.Context, serviceName string, i registry.Instance) error {
	id, err := k.declare(serviceName, i)
	if err != nil {
		return err
	}
	err = k.registrar.Register(ctx, id, i)
	switch {
	case k.isClosed(): // and Close may have come before the registry heard of the instance
		err = errors.Join(ErrClosed, k.takeBack(map[declaration]registry.Instance{{id, i.Addr}: i}))
	case err != nil && !pending(ctx, err):
		k.undeclare(id, i)
	}
	if err != nil {
		return fmt.Errorf("holdfast: register %s at %s: %w", id, i.Addr, err)
	}
	return nil
}

// Deregister takes a declaration back. It is no error if there is none.
func (k *Kit) Deregister(ctx context.Context, serviceName string, i registry.Instance) error {
	id, err := k.parse(serviceName)
	if err != nil {
		return err
	}
	k.undeclare(id, i)
	if err := k.registrar.Deregister(ctx, id, i); err != nil {
		return fmt.Errorf("holdfast: deregister %s at %s: %w", id, i.Addr, err)
	}
	return nil
}

// pending reports whether a failed registration is kept and made true later.
func pending(ctx context.Context, err error) bool {
	return errors.Is(err, registry.ErrUnavailable) || ctx.Err() != nil
}

func (k *Kit) parse(serviceName string) (registry.Service, error) {
	id, err := registry.ParseService(serviceName, registry.Service{Namespace: k.cfg.Nacos.Namespace, Group: k.cfg.Nacos.Group})
	if err != nil {
		return id, fmt.Errorf("holdfast: service refused: %w", err)
	}
	return id, nil
}

func (k *Kit) declare(serviceName string, i registry.Instance) (registry.Service, error) {
	id, err := k.parse(serviceName)
	if err != nil {
		return id, err
	}
	if err := i.Validate(); err != nil {
		return id, fmt.Errorf("holdfast: instance refused: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return id, ErrClosed
	}
	k.declared[declaration{id, i.Addr}] = i
	return id, nil
}

func (k *Kit) isClosed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.closed
}

func (k *Kit) undeclare(id registry.Service, i registry.Instance) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.declared, declaration{id, i.Addr})
}
