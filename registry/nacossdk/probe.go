package nacossdk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/registry"
)

const probeTimeout = time.Second

// probe looks at every server's ports, because the SDK does not say why it cannot connect: alive tells whether one of them
// speaks HTTP/2, as gRPC does; why says what is wrong with the others.
func probe(ctx context.Context, servers []registry.Server) (alive bool, why error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	findings := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { findings[i] = look(ctx, s) })
	}
	wg.Wait()
	for i, err := range findings {
		if err == nil {
			alive = true
			continue
		}
		findings[i] = fmt.Errorf("%s: %w", servers[i], err)
	}
	return alive, joined(findings)
}

// look returns nil when the server's gRPC port speaks HTTP/2.
func look(ctx context.Context, s registry.Server) error {
	kind, err := classify(ctx, s.Host, s.GRPCPort)
	switch {
	case err == nil && kind == speaksHTTP2:
		return nil
	case err == nil && kind == isSilent:
		return fmt.Errorf("gRPC port %d %s: the server hangs, or is no Nacos", s.GRPCPort, kind)
	case err == nil:
		return fmt.Errorf("is no Nacos server: its gRPC port %d %s", s.GRPCPort, kind)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	if kind, plain := classify(ctx, s.Host, s.Port); plain == nil {
		return fmt.Errorf("port %d %s, but gRPC port %d does not: %w (a firewall may close it; or this is no Nacos 2)", s.Port, kind, s.GRPCPort, err)
	}
	return fmt.Errorf("gRPC port %d: %w", s.GRPCPort, err)
}

const (
	speaksHTTP2 = "speaks HTTP/2"
	speaksHTTP1 = "speaks HTTP/1"
	speaksTLS   = "speaks TLS; Holdfast speaks to Nacos in plain text"
	isSilent    = "accepts connections but does not answer"
	speaksOther = "speaks something else than gRPC"
)

// classify opens a connection as an HTTP/2 client does and looks at the first bytes that come back.
func classify(ctx context.Context, host string, port uint16) (kind string, err error) {
	address := net.JoinHostPort(host, strconv.Itoa(int(port)))
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // and empty settings
	if _, err := conn.Write([]byte(preface)); err != nil {
		return speaksOther, nil
	}
	head := make([]byte, 9)
	n, err := io.ReadFull(conn, head)
	const settings = 4
	switch text := string(head[:n]); {
	case n == len(head) && head[3] == settings && head[0] == 0:
		return speaksHTTP2, nil
	case strings.HasPrefix(text, "HTTP/1"):
		return speaksHTTP1, nil
	case n > 1 && head[0] == 0x15 && head[1] == 3: // an alert record
		return speaksTLS, nil
	case n == 0 && errors.Is(err, context.DeadlineExceeded), n == 0 && isTimeout(err):
		return isSilent, nil
	case n == 0 && shakesHands(ctx, address):
		return speaksTLS, nil
	}
	return speaksOther, nil
}

func shakesHands(ctx context.Context, address string) bool {
	// Nothing is sent or believed on this connection: it only finds out whether the port wants TLS.
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see above
	conn, err := d.DialContext(ctx, "tcp", address)
	if err == nil {
		_ = conn.Close()
		return true
	}
	var alert tls.AlertError
	return errors.As(err, &alert)
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// joined is errors.Join on one line.
func joined(errs []error) error {
	var kept []error
	for _, err := range errs {
		if err != nil {
			kept = append(kept, err)
		}
	}
	switch len(kept) {
	case 0:
		return nil
	case 1:
		return kept[0]
	}
	return severalErrors(kept)
}

type severalErrors []error

func (e severalErrors) Unwrap() []error { return e }

func (e severalErrors) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}
