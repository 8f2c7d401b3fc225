// Package leaktest checks at the end of a package's tests that no goroutine is left, and waits for those that are
// allowed a while to end.
package leaktest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main runs the tests and ends the process. Goroutines that are still there after within fail the run.
func Main(m *testing.M, within time.Duration, opts ...goleak.Option) {
	code := m.Run()
	if code == 0 {
		if err := find(within, opts...); err != nil {
			fmt.Fprintf(os.Stderr, "leaktest: after %v: %v\n", within, err)
			code = 1
		}
	}
	os.Exit(code)
}

// find looks again until nothing is left or the time is over; goleak itself gives up after half a second.
func find(within time.Duration, opts ...goleak.Option) error {
	deadline := time.Now().Add(within)
	for {
		err := goleak.Find(opts...)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// ForSDK is what the official Nacos client leaves behind: when a server dies between its first answer and the stream,
// it forgets the gRPC connection without closing it.
func ForSDK() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run"),
		goleak.IgnoreAnyFunction("google.golang.org/grpc.(*addrConn).connect"),
	}
}
