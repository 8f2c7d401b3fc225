package nacostest

import (
	"errors"
	"net"
	"testing"
)

// latecomer is a listener whose connection was accepted just before it was closed.
type latecomer struct {
	net.Listener
	conn net.Conn
}

func (l latecomer) Accept() (net.Conn, error) { return l.conn, nil }
func (latecomer) Close() error                { return nil }

func TestConnectionThatComesWithTheKillIsReset(t *testing.T) {
	server, client := net.Pipe()
	defer func() { _ = client.Close() }()
	l := newGatedListener(latecomer{conn: server}, newGate())
	l.kill()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepted: %v", err)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
}
