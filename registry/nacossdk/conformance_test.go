package nacossdk_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/nacossdk"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	addrs := servers(t)
	registrytest.Run(t, func(t *testing.T) registrytest.Implementation {
		c, err := nacossdk.Open(registry.Connection{Servers: addrs})
		if err != nil {
			t.Fatal(err)
		}
		return registrytest.Implementation{
			Registrar: c, Watcher: c, Configs: c, Close: c.Close,
			RemoveConfig: func(ctx context.Context, k registry.ConfigKey) error { return removeConfig(ctx, addrs[0], k) },
		}
	})
}

// removeConfig does what somebody at the console would do.
func removeConfig(ctx context.Context, addr string, k registry.ConfigKey) error {
	k = k.WithDefaults()
	q := url.Values{"dataId": {k.DataID}, "group": {k.Group}}
	if k.Namespace != registry.DefaultNamespace {
		q.Set("tenant", k.Namespace)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, "http://"+addr+"/nacos/v1/cs/configs?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("remove config: %s", answer.Status)
	}
	return nil
}
