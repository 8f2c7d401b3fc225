package holdfast

import (
	"log/slog"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/fallback"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
)

// Registry is what a Kit needs of a service registry.
type Registry interface {
	registry.Registrar
	registry.Watcher
}

// Option hands a collaborator to Open.
type Option func(*options)

type options struct {
	tracer   trace.TracerProvider
	meter    metric.MeterProvider
	logger   *slog.Logger
	observer event.Observer
	registry Registry
}

// WithTracerProvider sends spans to tp. Default: OpenTelemetry's global provider.
func WithTracerProvider(tp trace.TracerProvider) Option { return func(o *options) { o.tracer = tp } }

// WithMeterProvider sends measurements to mp. Default: OpenTelemetry's global provider.
func WithMeterProvider(mp metric.MeterProvider) Option { return func(o *options) { o.meter = mp } }

// WithLogger logs what operators should know to l; repeated lines are summed up. Default: slog.Default().
func WithLogger(l *slog.Logger) Option {
	return func(o *options) {
		if l != nil {
			o.logger = l
		}
	}
}

// WithObserver passes every event to e as well, unabridged. Some events come while the Kit is locked: e must not call its
// methods.
func WithObserver(e event.Observer) Option { return func(o *options) { o.observer = e } }

// WithRegistry uses r in place of Nacos; the Kit does not close it. Config.Nacos may then name no servers. Lists are kept
// on disk only if Config.Nacos.Disk.Dir names the folder: each registry needs its own.
func WithRegistry(r Registry) Option { return func(o *options) { o.registry = r } }

// ClientOption hands a collaborator to Kit.Client.
type ClientOption func(*clientOptions)

type clientOptions struct {
	key          fallback.KeyFunc
	defaultValue fallback.DefaultFunc
	classify     policy.Classifier
}

// Key switches the cached-value fallback on: answers are kept under the key that f gives, and one that is not too old
// answers when a call fails. The key must hold everything that the answer depends on: the tenant, the user, the language.
// Kept answers are shared by all callers, who must not change them.
func Key(f fallback.KeyFunc) ClientOption { return func(o *clientOptions) { o.key = f } }

// Default answers a failed call for which there is no kept answer.
func Default(f fallback.DefaultFunc) ClientOption {
	return func(o *clientOptions) { o.defaultValue = f }
}

// Classify judges the attempts in place of policy.Classify, which stands in when c panics.
func Classify(c policy.Classifier) ClientOption { return func(o *clientOptions) { o.classify = c } }
