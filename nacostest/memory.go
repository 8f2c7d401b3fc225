package nacostest

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"

	"google.golang.org/grpc/test/bufconn"
)

// InMemory lets the nodes listen inside the process instead of on loopback: [Cluster.Dial] is the only way to reach
// them, and the cluster can live in a bubble of testing/synctest. Connections of a killed node end rather than being
// reset.
func InMemory() Option {
	return func(s *settings) { s.network = &memory{listeners: make(map[int]*memoryListener)} }
}

// Dial connects to an address of the cluster, HTTP or gRPC, whether it is on loopback or in memory.
func (c *Cluster) Dial(ctx context.Context, addr string) (net.Conn, error) {
	return c.settings.network.dial(ctx, addr)
}

// network is where nodes listen.
type network interface {
	listenPair() (web, rpc net.Listener, err error)
	listenAt(port int) (web, rpc net.Listener, err error)
	dial(ctx context.Context, addr string) (net.Conn, error)
	close() // holds no ports any more
}

const memoryBuffer = 256 << 10 // bytes that may be on their way on one connection

// memory is a network of listeners by port.
type memory struct {
	mu        sync.Mutex
	pairs     int
	dialled   int
	listeners map[int]*memoryListener
}

func (m *memory) listenPair() (web, rpc net.Listener, err error) {
	m.mu.Lock()
	m.pairs++
	port := lowestPort + m.pairs
	m.mu.Unlock()
	return m.listenAt(port)
}

func (m *memory) listenAt(port int) (web, rpc net.Listener, err error) {
	return m.listen(port), m.listen(port + grpcOffset), nil
}

func (m *memory) listen(port int) net.Listener {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &memoryListener{Listener: bufconn.Listen(memoryBuffer), network: m, port: port}
	m.listeners[port] = l
	return l
}

func (m *memory) close() {}

func (m *memory) dial(ctx context.Context, addr string) (net.Conn, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	l := m.listeners[tcp.Port]
	m.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s in memory: %w", addr, syscall.ECONNREFUSED)
	}
	return l.DialContext(ctx)
}

// memoryListener gives its connections addresses of their own.
type memoryListener struct {
	*bufconn.Listener
	network *memory
	port    int
}

func (l *memoryListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.network.dialled++
	return memoryConn{c, memoryAddr(l.network.dialled)}, nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr(l.port) }

func (l *memoryListener) Close() error {
	l.network.mu.Lock()
	if l.network.listeners[l.port] == l {
		delete(l.network.listeners, l.port)
	}
	l.network.mu.Unlock()
	return l.Listener.Close()
}

type memoryConn struct {
	net.Conn
	remote net.Addr
}

func (c memoryConn) RemoteAddr() net.Addr { return c.remote }

func memoryAddr(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }
