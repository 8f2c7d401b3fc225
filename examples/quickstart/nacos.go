package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/nacostest"
	"github.com/holdfast-go/holdfast/registry"
)

// nacos is the cluster that the services register with. Nodes are counted from 0.
type nacos struct {
	servers  []string      // as Kits are told
	nodes    []string      // "host:port", as Kits name the node in use
	patience time.Duration // for it, and for what has been mended to be used again
	up       func(n int) bool
	kill     func(ctx context.Context, n int) error // nil: this cluster's nodes cannot be killed
	start    func(ctx context.Context, n int) error // nil: nor started
	close    func()
	own      []string // addresses at which nobody listens after close
}

// embedded starts a cluster of three in this process, with the delays of the Java server.
func embedded() (*nacos, error) {
	cluster, err := nacostest.Start(3, nacostest.JavaTimings())
	if err != nil {
		return nil, err
	}
	c := &nacos{
		servers:  cluster.Addrs(),
		nodes:    cluster.Addrs(),
		patience: time.Minute,
		up:       func(n int) bool { return cluster.Node(n).Up() },
		kill:     func(_ context.Context, n int) error { cluster.Node(n).Kill(); return nil },
		start:    func(_ context.Context, n int) error { return cluster.Node(n).Restart(false) },
		close:    cluster.Close,
	}
	for _, n := range cluster.Nodes() {
		c.own = append(c.own, n.Addr(), n.GRPCAddr())
	}
	return c, nil
}

// remote is a cluster that somebody else runs; its nodes are killed and started by shell commands, to which the number of
// the node, from 1, is added. A command may be "". At the end, also of a run that is broken off, all nodes are started.
func remote(servers []string, nodes []registry.Server, kill, start string) *nacos {
	c := &nacos{servers: servers, patience: 3 * time.Minute, close: func() {}}
	for _, node := range nodes {
		c.nodes = append(c.nodes, node.String())
	}
	c.up = func(n int) bool {
		conn, err := net.DialTimeout("tcp", c.nodes[n], time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	if kill != "" {
		c.kill = func(ctx context.Context, n int) error { return shell(ctx, kill, n) }
		if start != "" {
			c.start = func(ctx context.Context, n int) error { return shell(ctx, start, n) }
			c.close = func() {
				if err := c.startAll(context.Background()); err != nil {
					fmt.Fprintln(os.Stderr, "quickstart: starting the nodes again:", err)
				}
			}
		}
	}
	return c
}

func shell(ctx context.Context, command string, n int) error {
	line := command + " " + strconv.Itoa(n+1)
	cmd := exec.CommandContext(ctx, "sh", "-c", line) //nolint:gosec // the command is the user's own
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", line, err)
	}
	return nil
}

// upCount asks all nodes at the same time.
func (c *nacos) upCount() int {
	var count atomic.Int64
	var all sync.WaitGroup
	for n := range c.nodes {
		all.Go(func() {
			if c.up(n) {
				count.Add(1)
			}
		})
	}
	all.Wait()
	return int(count.Load())
}

// killOne kills the node with the given address.
func (c *nacos) killOne(ctx context.Context, addr string) error {
	n := slices.Index(c.nodes, addr)
	if n < 0 {
		return fmt.Errorf("the node in use, %q, is none of %v", addr, c.nodes)
	}
	return c.kill(ctx, n)
}

// killAll kills the nodes that are up.
func (c *nacos) killAll(ctx context.Context) error { return c.each(ctx, true, c.kill) }

// startAll starts those that are down.
func (c *nacos) startAll(ctx context.Context) error { return c.each(ctx, false, c.start) }

func (c *nacos) each(ctx context.Context, up bool, do func(context.Context, int) error) error {
	errs := make([]error, len(c.nodes))
	var all sync.WaitGroup
	for n := range c.nodes {
		if c.up(n) == up {
			all.Go(func() { errs[n] = do(ctx, n) })
		}
	}
	all.Wait()
	return errors.Join(errs...)
}
