package tracing

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"

	"github.com/holdfast-go/holdfast/policy"
)

// The tables of a method have a place for each outcome; one that is added to the policy must get its own.
func TestEveryOutcomeHasAPlace(t *testing.T) {
	if last := policy.Failed; outcomes != int(last)+1 {
		t.Errorf("%d places, and the last outcome is %d", outcomes, last)
	}
}

func TestMethodsArePreparedOnce(t *testing.T) {
	telemetry, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for i := range 20 {
				if m := telemetry.method("orders", strconv.Itoa(i)); m != telemetry.method("orders", strconv.Itoa(i)) {
					t.Error("a method was prepared twice")
				}
			}
		})
	}
	workers.Wait()
	if n := len(*telemetry.methods.Load()); n != 20 {
		t.Errorf("%d methods, want 20", n)
	}
}

var errMeter = errors.New("no instruments here")

type brokenMeter struct{ metricnoop.MeterProvider }

func (brokenMeter) Meter(string, ...metric.MeterOption) metric.Meter { return brokenInstruments{} }

type brokenInstruments struct{ metricnoop.Meter }

func (brokenInstruments) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errMeter
}

func TestRefusedInstrument(t *testing.T) {
	if _, err := New(nil, brokenMeter{}); !errors.Is(err, errMeter) {
		t.Errorf("error = %v", err)
	}
}
