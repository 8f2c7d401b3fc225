package nacossdk

import (
	"cmp"
	"context"
	"log/slog"
	"sync"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/field"
	"github.com/holdfast-go/holdfast/registry"
)

// Client keeps the registry contract over the SDK's connections: one for the services of each namespace and one for
// configuration documents, each made when it is first needed. A service or document that names no namespace or group is in
// that of the Connection. It is safe for use by many goroutines.
type Client struct {
	conn    registry.Connection
	servers []registry.Server
	options options

	mu      sync.Mutex
	closed  bool
	naming  map[string]*naming // by namespace
	configs *configs           // nil until needed
}

var (
	_ registry.Registrar = (*Client)(nil)
	_ registry.Watcher   = (*Client)(nil)
	_ registry.Configs   = (*Client)(nil)
)

// Option sets a collaborator of a Client.
type Option func(*options)

type options struct {
	observer event.Observer
	logger   *slog.Logger
}

// WithObserver tells o what happens: event.NodeChanged, RegistryUnreachable, RegistryFailed, RegistrationRepaired and
// Panicked.
func WithObserver(o event.Observer) Option {
	return func(all *options) {
		if o != nil {
			all.observer = o
		}
	}
}

// WithLogger passes the SDK's own log to l, at debug level; without it nothing is logged. The SDK has one logger per
// process: its lines about a connection go to the logger of the Client that owns it, all others to that of the Client
// opened last.
func WithLogger(l *slog.Logger) Option {
	return func(all *options) {
		if l != nil {
			all.logger = l
		}
	}
}

// Open returns a Client for the servers that conn names. It does no network I/O: connections are made in the background
// and kept up until Close. The error is a *registry.FieldError.
func Open(conn registry.Connection, opts ...Option) (*Client, error) {
	servers, err := conn.Parse()
	if err != nil {
		return nil, err
	}
	conn = conn.WithDefaults()
	o := options{observer: event.Discard{}, logger: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt(&o)
	}
	process.adopt(o.logger)
	return &Client{conn: conn, servers: servers, options: o, naming: make(map[string]*naming)}, nil
}

func (c *Client) namingOf(namespace string) (*naming, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, registry.ErrClosed
	}
	n := c.naming[namespace]
	if n == nil {
		n = newNaming(c.conn, c.servers, namespace, c.options)
		c.naming[namespace] = n
	}
	return n, nil
}

func (c *Client) documents() (*configs, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, registry.ErrClosed
	}
	if c.configs == nil {
		c.configs = newConfigs(c.conn, c.servers, c.options)
	}
	return c.configs, nil
}

// service and key name the connection's namespace and group where none is named.
func (c *Client) service(s registry.Service) registry.Service {
	s.Namespace, s.Group = cmp.Or(s.Namespace, c.conn.Namespace), cmp.Or(s.Group, c.conn.Group)
	return s
}

func (c *Client) key(k registry.ConfigKey) registry.ConfigKey {
	k.Namespace, k.Group = cmp.Or(k.Namespace, c.conn.Namespace), cmp.Or(k.Group, c.conn.Group)
	return k
}

// Close ends the connections, so that the servers drop what was registered over them, and returns when no goroutine of
// the Client is left; it waits for functions handed to Watch and Listen that are running. What the SDK itself leaves
// behind is listed in docs/nacos-sdk-faults.md. Further calls do nothing.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	var all sync.WaitGroup
	for _, n := range c.naming {
		all.Go(n.close)
	}
	if c.configs != nil {
		all.Go(c.configs.close)
	}
	c.mu.Unlock()
	all.Wait()
	return nil
}

// Register declares that i serves s; see registry.Registrar. Several instances of one service may be declared. Weight,
// state and metadata that an operator has set at the servers are left alone.
func (c *Client) Register(ctx context.Context, s registry.Service, i registry.Instance) error {
	s = c.service(s)
	if err := s.Validate(); err != nil {
		return err
	}
	if err := i.Validate(); err != nil {
		return err
	}
	n, err := c.namingOf(s.Namespace)
	if err != nil {
		return err
	}
	return n.register(ctx, s, i.WithDefaults().Clone())
}

// Deregister takes the declaration of i's address back; see registry.Registrar.
func (c *Client) Deregister(ctx context.Context, s registry.Service, i registry.Instance) error {
	s = c.service(s)
	if err := s.Validate(); err != nil {
		return err
	}
	if _, _, err := i.HostPort(); err != nil {
		return err
	}
	n, err := c.namingOf(s.Namespace)
	if err != nil {
		return err
	}
	return n.deregister(ctx, s, i.WithDefaults())
}

// Watch follows a service; see registry.Watcher. In an outage fn gets the last known list with an Err. Each time that a
// server confirms the list, every 5 to 10 s, fn gets it again with a newer At and the same Revision.
func (c *Client) Watch(ctx context.Context, s registry.Service, fn func(registry.Snapshot)) (stop func(), err error) {
	s = c.service(s)
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n, err := c.namingOf(s.Namespace)
	if err != nil {
		return nil, err
	}
	return n.watch(s, fn)
}

// Read asks a server for a document; see registry.Configs.
func (c *Client) Read(ctx context.Context, k registry.ConfigKey) (registry.Document, error) {
	k = c.key(k)
	if err := k.Validate(); err != nil {
		return registry.Document{}, err
	}
	docs, err := c.documents()
	if err != nil {
		return registry.Document{}, err
	}
	return docs.read(ctx, k)
}

// Publish writes a document; see registry.Configs. Nacos keeps no empty documents, so that empty content is refused.
func (c *Client) Publish(ctx context.Context, d registry.Document) error {
	d.Key = c.key(d.Key)
	if err := d.Key.Validate(); err != nil {
		return err
	}
	if d.Content == "" {
		return field.New("config.content", d.Content, "must not be empty")
	}
	docs, err := c.documents()
	if err != nil {
		return err
	}
	return docs.publish(ctx, d)
}

// Listen follows a document; see registry.Configs. While nothing is known and no server available, fn gets an error that
// wraps registry.ErrUnavailable.
func (c *Client) Listen(ctx context.Context, k registry.ConfigKey, fn func(registry.Document, error)) (stop func(), err error) {
	k = c.key(k)
	if err := k.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	docs, err := c.documents()
	if err != nil {
		return nil, err
	}
	return docs.listen(k, fn)
}
