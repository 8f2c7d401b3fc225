package nacossdk_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/leaktest"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/nacossdk"
)

const quietChild = "HOLDFAST_TEST_QUIET_CHILD"

func TestMain(m *testing.M) {
	if addr := os.Getenv(quietChild); addr != "" {
		if err := useSilently(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// A client that is closed while it connects takes up to 19 s to end; see docs/nacos-sdk-faults.md.
	leaktest.Main(m, 30*time.Second, leaktest.ForSDK()...)
}

// useSilently does a little of everything; see TestSilence.
func useSilently(addr string) error {
	c, err := nacossdk.Open(registry.Connection{Servers: []string{addr, "127.0.0.1:1"}})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	ctx, s := patient(), registry.Service{Name: "silence"}
	seen := make(chan struct{}, 100)
	if _, err := c.Watch(ctx, s, func(registry.Snapshot) { seen <- struct{}{} }); err != nil {
		return err
	}
	<-seen
	if err := c.Register(ctx, s, registry.Instance{Addr: "10.0.0.1:80"}); err != nil {
		return err
	}
	k := registry.ConfigKey{DataID: "silence"}
	if err := c.Publish(ctx, registry.Document{Key: k, Content: "x"}); err != nil {
		return err
	}
	if _, err := c.Listen(ctx, k, func(registry.Document, error) { seen <- struct{}{} }); err != nil {
		return err
	}
	select {
	case <-seen:
	case <-time.After(soon):
		return fmt.Errorf("the listener heard nothing")
	}
	return nil
}
