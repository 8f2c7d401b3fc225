package bench

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/afex/hystrix-go/hystrix"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	failsafefallback "github.com/failsafe-go/failsafe-go/fallback"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	failsafetimeout "github.com/failsafe-go/failsafe-go/timeout"
	kitbreaker "github.com/go-kit/kit/circuitbreaker"
	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/sd"
	"github.com/go-kit/kit/sd/lb"
	"github.com/go-kit/log"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

const instances = 10

// BenchmarkCall times one call through a whole chain to an endpoint that does nothing, over ten instances. All three
// layer a time limit, retries, a circuit breaker and, but for go-kit, which has none, a fallback; Holdfast also budgets
// its retries, ejects instances, limits each try, and carries spans and metrics (of OpenTelemetry's no-op providers).
func BenchmarkCall(b *testing.B) {
	for _, c := range []struct {
		name  string
		build func(*testing.B) endpoint.Endpoint
	}{
		{"holdfast", holdfastChain},
		{"go-kit", gokitChain},
		{"failsafe-go", failsafeChain},
	} {
		b.Run(c.name, func(b *testing.B) {
			call := c.build(b)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := call(ctx, "42"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func nop(context.Context, any) (any, error) { return "answer", nil }

func nopFactory(string) (endpoint.Endpoint, io.Closer, error) { return nop, nil, nil }

func key(_ context.Context, request any) (string, bool) { return request.(string), true }

func addresses() []string {
	all := make([]string, instances)
	for i := range all {
		all[i] = "10.0.0." + string(rune('0'+i)) + ":8080"
	}
	return all
}

func holdfastChain(b *testing.B) endpoint.Endpoint {
	b.Helper()
	memory := registrytest.NewMemory()
	b.Cleanup(func() { _ = memory.Close() })
	service := registry.Service{Name: "orders"}
	snapshot := registry.Snapshot{Service: service.WithDefaults(), Source: registry.SourcePush, At: time.Now()}
	for _, a := range addresses() {
		snapshot.Instances = append(snapshot.Instances, registry.Instance{Addr: a}.WithDefaults())
	}
	memory.Push(snapshot)
	cfg := holdfast.Config{
		Nacos: holdfast.Nacos{KeeperConfig: registry.KeeperConfig{Disk: registry.Disk{Disabled: true}}},
		Document: policy.Document{Services: map[string]policy.Service{"orders": {
			Policy: policy.Policy{Method: policy.Method{Idempotent: policy.True, Timeout: policy.Timeout{Try: 250 * time.Millisecond}}},
		}}},
	}
	kit, err := holdfast.Open(cfg, holdfast.WithRegistry(memory), holdfast.WithLogger(slog.New(slog.DiscardHandler)),
		holdfast.WithTracerProvider(tracenoop.NewTracerProvider()), holdfast.WithMeterProvider(metricnoop.NewMeterProvider()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = kit.Close() })
	call, err := kit.Client("orders", "Get", nopFactory, holdfast.Key(key))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := call(context.Background(), "42"); err != nil {
		b.Fatal(err)
	}
	requireLayers(b, kit.Status().Services[0].Methods[0].Layers)
	return call
}

// requireLayers refuses to measure a chain that lacks a part.
func requireLayers(b *testing.B, layers []string) {
	b.Helper()
	b.Logf("layers: %s", strings.Join(layers, " → "))
	for _, want := range []string{"tracing", "fallback", "timeout", "retry", "breaker", "resolver", "attempt span", "try timeout", "recover"} {
		if !slices.Contains(layers, want) {
			b.Fatalf("layer %q is missing", want)
		}
	}
}

func gokitChain(b *testing.B) endpoint.Endpoint {
	b.Helper()
	hystrix.ConfigureCommand("gokit", hystrix.CommandConfig{Timeout: 1000, MaxConcurrentRequests: 1000})
	instancer := sd.FixedInstancer(addresses())
	endpointer := sd.NewEndpointer(instancer, nopFactory, log.NewNopLogger())
	b.Cleanup(endpointer.Close)
	retry := lb.Retry(3, time.Second, lb.NewRoundRobin(endpointer))
	return kitbreaker.Hystrix("gokit")(retry)
}

func failsafeChain(*testing.B) endpoint.Endpoint {
	executor := failsafe.With[any](
		failsafefallback.NewWithFunc(func(failsafe.Execution[any]) (any, error) { return nil, errors.New("no fallback") }),
		retrypolicy.NewBuilder[any]().WithMaxRetries(2).WithBackoff(25*time.Millisecond, 250*time.Millisecond).Build(),
		circuitbreaker.NewBuilder[any]().WithFailureRateThreshold(0.5, 20, 10*time.Second).WithDelay(5*time.Second).Build(),
		failsafetimeout.New[any](time.Second),
	)
	return func(ctx context.Context, request any) (any, error) {
		return executor.WithContext(ctx).GetWithExecution(func(e failsafe.Execution[any]) (any, error) {
			return nop(e.Context(), request)
		})
	}
}
