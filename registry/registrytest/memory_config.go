package registrytest

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"

	"github.com/holdfast-go/holdfast/registry"
)

type config struct {
	key       registry.ConfigKey
	document  *registry.Document // nil: there is none
	listeners map[*listener]struct{}
}

type listener struct {
	queue[reading]
	client *Memory
	told   bool
	last   *registry.Document
}

type reading struct {
	document registry.Document
	err      error
}

// Read returns the document, as registry.Configs has it.
func (m *Memory) Read(ctx context.Context, k registry.ConfigKey) (registry.Document, error) {
	var read reading
	err := m.config(ctx, k, func(c *config) { read = c.read() })
	if err != nil {
		return registry.Document{}, err
	}
	return read.document, read.err
}

// Publish writes the document, as registry.Configs has it.
func (m *Memory) Publish(ctx context.Context, d registry.Document) error {
	return m.config(ctx, d.Key, func(c *config) {
		sum := md5.Sum([]byte(d.Content))
		c.document = &registry.Document{Key: c.key, Content: d.Content, MD5: hex.EncodeToString(sum[:])}
		c.publish()
	})
}

// RemoveConfig removes the document. It is no error if there is none.
func (m *Memory) RemoveConfig(ctx context.Context, k registry.ConfigKey) error {
	return m.config(ctx, k, func(c *config) {
		c.document = nil
		c.publish()
	})
}

// Listen follows the document, as registry.Configs has it.
func (m *Memory) Listen(ctx context.Context, k registry.ConfigKey, fn func(registry.Document, error)) (stop func(), err error) {
	if err := k.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.servers.mu.Lock()
	defer m.servers.mu.Unlock()
	if m.servers.closed[m] {
		return nil, registry.ErrClosed
	}
	c := m.servers.config(k)
	l := &listener{queue: queue[reading]{fn: func(r reading) { fn(r.document, r.err) }}, client: m}
	c.listeners[l] = struct{}{}
	if m.servers.failure == nil {
		c.publish()
	}
	return func() {
		l.stop()
		m.servers.mu.Lock()
		defer m.servers.mu.Unlock()
		delete(c.listeners, l)
	}, nil
}

func (m *Memory) config(ctx context.Context, k registry.ConfigKey, do func(*config)) error {
	if err := k.Validate(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.servers.mu.Lock()
	defer m.servers.mu.Unlock()
	if m.servers.closed[m] {
		return registry.ErrClosed
	}
	if m.servers.failure != nil {
		return m.servers.failure
	}
	do(m.servers.config(k))
	return nil
}

func (all *servers) config(k registry.ConfigKey) *config {
	k = k.WithDefaults()
	c := all.configs[k]
	if c == nil {
		c = &config{key: k, listeners: map[*listener]struct{}{}}
		all.configs[k] = c
	}
	return c
}

func (c *config) read() reading {
	if c.document == nil {
		return reading{registry.Document{Key: c.key}, fmt.Errorf("%w: config %s", registry.ErrNotFound, c.key)}
	}
	return reading{document: *c.document}
}

// publish tells the listeners that do not know the present value.
func (c *config) publish() {
	for l := range c.listeners {
		same := l.last == c.document || l.last != nil && c.document != nil && *l.last == *c.document
		if l.told && same {
			continue
		}
		l.told, l.last = true, c.document
		l.put(c.read())
	}
}
