package tracing_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/event"
)

func TestEventsAreCounted(t *testing.T) {
	r := newRig(t)
	o := r.Observer()
	for range 2 {
		o.Observe(event.Retried{Service: "orders", Method: "Get", Attempt: 2, Cause: errDown})
	}
	o.Observe(event.BreakerChanged{Service: "orders", Method: "Get", From: "closed", To: "open"})
	o.Observe(event.FellBack{Service: "orders", Method: "Get", Source: "stale", Cause: errDown})
	o.Observe(event.Ejected{Service: "orders", Instance: "10.0.0.7:8080", Failures: 3})
	o.Observe(event.ListHeld{Service: "orders", On: true, Kept: 3})
	o.Observe(event.NodeChanged{Node: "10.0.0.1:8848", Cause: errDown})
	o.Observe(event.RegistryFailed{Doing: "subscribe", Subject: "orders", Cause: errDown})
	o.Observe(event.Panicked{Where: "endpoint orders/Get", Value: "bug"})
	wantPoints(t, r.points(t, "holdfast.events"), map[string]int64{
		"holdfast.event=retry,holdfast.service=orders,rpc.method=orders/Get":                            2,
		"holdfast.event=breaker.changed,holdfast.service=orders,holdfast.to=open,rpc.method=orders/Get": 1,
		"holdfast.event=fallback,holdfast.service=orders,holdfast.source=stale,rpc.method=orders/Get":   1,
		"holdfast.event=instance.ejected,holdfast.service=orders":                                       1,
		"holdfast.event=registry.list_held,holdfast.on=true,holdfast.service=orders":                    1,
		"holdfast.event=registry.node_changed,holdfast.node=10.0.0.1:8848,holdfast.up=false":            1,
		"holdfast.doing=subscribe,holdfast.event=registry.failed":                                       1,
		"holdfast.event=panic": 1,
	})
}
