package nacostest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"
)

const (
	grpcOffset  = 1000
	lowestPort  = 15000
	highestPort = 31000 // with the offset still below the ports that systems hand out by themselves
)

// localhost is the loopback network.
type localhost struct{}

func (localhost) dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// listenPair listens on a free HTTP port and on the gRPC port that belongs to it.
func (localhost) listenPair() (web, rpc net.Listener, err error) {
	for range 200 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if web, rpc, err = listenPorts(port); err == nil {
			return web, rpc, nil
		}
	}
	return nil, nil, fmt.Errorf("nacostest: no free pair of ports: %w", err)
}

func listenPorts(port int) (web, rpc net.Listener, err error) {
	if web, err = net.Listen("tcp", loopback(port)); err != nil {
		return nil, nil, err
	}
	if rpc, err = net.Listen("tcp", loopback(port+grpcOffset)); err != nil {
		_ = web.Close()
		return nil, nil, err
	}
	return web, rpc, nil
}

// listenAt waits for a moment for ports whose last owner has just let them go.
func (localhost) listenAt(port int) (web, rpc net.Listener, err error) {
	for range 40 {
		web, rpc, err = listenPorts(port)
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return web, rpc, err
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
