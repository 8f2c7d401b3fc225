package e2e

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/leaktest"
)

// A client that is closed while it connects takes up to 19 s to end; see docs/nacos-sdk-faults.md.
func TestMain(m *testing.M) { leaktest.Main(m, 30*time.Second, leaktest.ForSDK()...) }
