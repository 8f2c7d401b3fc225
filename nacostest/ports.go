package nacostest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Free ports are looked for above those of r-nacos and the Java server, as e2e/cluster starts them, and, with the
// offset, below those that systems hand out by themselves.
const (
	grpcOffset  = 1000
	lowestPort  = 22000
	highestPort = 31000
)

// localhost is the loopback network. It holds the ports of nodes that are down, so that nobody else takes them meanwhile.
type localhost struct {
	mu     sync.Mutex
	closed bool
	held   map[int]func() // by port: lets it go
}

func newLocalhost() *localhost { return &localhost{held: make(map[int]func())} }

func (*localhost) dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// listenPair listens on a free HTTP port and on the gRPC port that belongs to it.
func (l *localhost) listenPair() (web, rpc net.Listener, err error) {
	for range 200 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if web, rpc, err = l.listenPorts(port); err == nil {
			return web, rpc, nil
		}
	}
	return nil, nil, fmt.Errorf("nacostest: no free pair of ports: %w", err)
}

func (l *localhost) listenPorts(port int) (web, rpc net.Listener, err error) {
	if web, err = net.Listen("tcp", loopback(port)); err != nil {
		return nil, nil, err
	}
	if rpc, err = net.Listen("tcp", loopback(port+grpcOffset)); err != nil {
		_ = web.Close()
		return nil, nil, err
	}
	return &holdingListener{Listener: web, network: l, port: port}, &holdingListener{Listener: rpc, network: l, port: port + grpcOffset}, nil
}

// listenAt waits for a moment for ports that could not be held, and that somebody else has for now.
func (l *localhost) listenAt(port int) (web, rpc net.Listener, err error) {
	l.release(port)
	l.release(port + grpcOffset)
	for range 40 {
		web, rpc, err = l.listenPorts(port)
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return web, rpc, err
}

func (l *localhost) hold(port int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if letGo := holdPort(port); letGo != nil {
		l.held[port] = letGo
	}
}

func (l *localhost) release(port int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if letGo := l.held[port]; letGo != nil {
		letGo()
		delete(l.held, port)
	}
}

// close lets all ports go, and holds none from now on.
func (l *localhost) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for port, letGo := range l.held {
		letGo()
		delete(l.held, port)
	}
}

// holdingListener goes on holding its port when it is closed.
type holdingListener struct {
	net.Listener
	network *localhost
	port    int
	once    sync.Once
}

func (h *holdingListener) Close() error {
	err := net.ErrClosed
	h.once.Do(func() {
		err = h.Listener.Close()
		h.network.hold(h.port)
	})
	return err
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
