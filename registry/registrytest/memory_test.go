package registrytest_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/registry/registrytest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	servers := registrytest.NewMemory()
	registrytest.Run(t, func(*testing.T) registrytest.Implementation { return servers.Client().Implementation() })
}
