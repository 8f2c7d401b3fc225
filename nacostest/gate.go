package nacostest

import (
	"net"
	"sync"
)

// gate stops all bytes of a node while it hangs: connections are still accepted by the kernel, nothing is read from
// them and nothing is written.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while bytes may pass
}

func newGate() *gate {
	g := &gate{open: make(chan struct{})}
	close(g.open)
	return g
}

func (g *gate) passage() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		g.open = make(chan struct{})
	default:
	}
}

func (g *gate) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

// gatedListener hands out connections that obey a gate, and can reset all of them.
type gatedListener struct {
	net.Listener
	gate *gate

	mu    sync.Mutex
	dead  bool
	conns map[*gatedConn]struct{}
}

func newGatedListener(l net.Listener, g *gate) *gatedListener {
	return &gatedListener{Listener: l, gate: g, conns: make(map[*gatedConn]struct{})}
}

func (l *gatedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	gc := &gatedConn{Conn: c, listener: l, closed: make(chan struct{})}
	if !l.admit(gc) {
		gc.reset()
		return nil, net.ErrClosed
	}
	return gc, nil
}

// admit keeps a connection for kill to reset, unless that has been called.
func (l *gatedListener) admit(c *gatedConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return false
	}
	l.conns[c] = struct{}{}
	return true
}

// kill closes the port and resets its connections.
func (l *gatedListener) kill() {
	l.mu.Lock()
	l.dead = true
	conns := l.conns
	l.conns = make(map[*gatedConn]struct{})
	l.mu.Unlock()
	_ = l.Close()
	for c := range conns {
		c.reset()
	}
}

// drop ends the connection from the given remote address.
func (l *gatedListener) drop(remote string) {
	l.mu.Lock()
	var found []*gatedConn
	for c := range l.conns {
		if c.RemoteAddr().String() == remote {
			found = append(found, c)
		}
	}
	l.mu.Unlock()
	for _, c := range found {
		_ = c.Close()
	}
}

func (l *gatedListener) forget(c *gatedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

type gatedConn struct {
	net.Conn
	listener *gatedListener
	once     sync.Once
	closed   chan struct{}
}

func (c *gatedConn) pass() bool {
	select {
	case <-c.closed:
		return false
	case <-c.listener.gate.passage():
		return true
	}
}

// Read asks the gate again when bytes have come: a read may have begun before the hang.
func (c *gatedConn) Read(b []byte) (int, error) {
	if !c.pass() {
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(b)
	if !c.pass() {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *gatedConn) Write(b []byte) (int, error) {
	if !c.pass() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func (c *gatedConn) Close() error {
	var err error
	c.once.Do(func() {
		close(c.closed)
		c.listener.forget(c)
		err = c.Conn.Close()
	})
	return err
}

func (c *gatedConn) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
