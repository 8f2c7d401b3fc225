package holdfast

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/registry"
)

// Register declares that this program serves the service at i.Addr, and returns when a server has accepted it. The
// declaration is kept true, also over outages, until Deregister or Close: an error that wraps registry.ErrUnavailable
// means that no server could be reached yet. An instance that nobody could call is refused with a *policy.Error. When the
// servers refuse a declaration, the one before it for the same address stands again.
func (k *Kit) Register(ctx context.Context, serviceName string, i registry.Instance) error {
	id, undo, err := k.declare(serviceName, i)
	if err != nil {
		return err
	}
	err = k.registrar.Register(ctx, id, i)
	switch {
	case k.isClosed(): // and Close may have come before the registry heard of the instance
		err = errors.Join(ErrClosed, k.takeBack(map[declaration]registry.Instance{{id, i.Addr}: i}))
	case err != nil && !pending(ctx, err):
		undo()
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

// declare notes that i is declared; undo makes the declaration before it stand again, unless another has followed.
func (k *Kit) declare(serviceName string, i registry.Instance) (id registry.Service, undo func(), err error) {
	id, err = k.parse(serviceName)
	if err != nil {
		return id, nil, err
	}
	if err := i.Validate(); err != nil {
		return id, nil, fmt.Errorf("holdfast: instance refused: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return id, nil, ErrClosed
	}
	at := declaration{id, i.Addr}
	before, declared := k.declared[at]
	k.declared[at] = i
	return id, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		switch now, ok := k.declared[at]; {
		case !ok || !now.Equal(i):
		case declared:
			k.declared[at] = before
		default:
			delete(k.declared, at)
		}
	}, nil
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
