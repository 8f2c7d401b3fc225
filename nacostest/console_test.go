package nacostest_test

import (
	"math"
	"testing"

	"github.com/holdfast-go/holdfast/nacostest"
)

func TestSetInstanceTakesTheNearestWeight(t *testing.T) {
	c := nacostest.NewCluster(t, 1)
	client := connect(t, c.Addrs()[0])
	client.register("orders", host(8001))
	client.subscribe("orders")
	for weight, want := range map[float64]float64{
		math.NaN(): 0, math.Inf(-1): 0, -1: 0, 2.5: 2.5, 10_000: 10_000, 10_001: 10_000, math.Inf(1): 10_000,
	} {
		c.SetInstance("", "", "orders", nacostest.Instance{IP: "10.1.2.3", Port: 8001, Enabled: true, Weight: weight})
		if got := client.query("orders").Hosts[0].Weight; got != want {
			t.Errorf("weight %v is listed as %v, want %v", weight, got, want)
		}
	}
}
