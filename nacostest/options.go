package nacostest

import (
	"log/slog"
	"time"
)

type settings struct {
	pushDelay   time.Duration
	syncDelay   time.Duration
	verifyEvery time.Duration
	ghostExpiry time.Duration
	idleAfter   time.Duration
	ackTimeout  time.Duration
	user        string
	password    string
	tokenTTL    time.Duration
	logger      *slog.Logger
	network     network
}

// Option changes how a cluster behaves. Later options win.
type Option func(*settings)

// FastForTests sets a push delay of 5 ms and a replication delay of 10 ms, so that tests need not wait. It is the
// default of [NewCluster] and [Start]; everything else is as on the Java server.
func FastForTests() Option {
	return func(s *settings) { s.pushDelay, s.syncDelay = 5*time.Millisecond, 10*time.Millisecond }
}

// JavaTimings sets the Java server's own delays: pushes after 500 ms, replication after 1 s.
func JavaTimings() Option {
	return func(s *settings) { s.pushDelay, s.syncDelay = 500*time.Millisecond, time.Second }
}

// WithPushDelay sets how long a node gathers changes of a service before it pushes it to its subscribers.
func WithPushDelay(d time.Duration) Option { return func(s *settings) { s.pushDelay = d } }

// WithSyncDelay sets how long a change takes from one node to another.
func WithSyncDelay(d time.Duration) Option { return func(s *settings) { s.syncDelay = d } }

// WithGhostExpiry sets for how long a node keeps the ephemeral instances of a node that it no longer hears of. The
// default is the Java server's 180 s.
func WithGhostExpiry(d time.Duration) Option { return func(s *settings) { s.ghostExpiry = d } }

// WithIdleDetection sets after how long a silent client is asked for a sign of life; a client that owes one for as
// long again, or for 5 s, is dropped. The default is the Java server's 20 s.
func WithIdleDetection(d time.Duration) Option { return func(s *settings) { s.idleAfter = d } }

// WithAckTimeout sets how long a node waits for the answer to a service push before it pushes again. The default is the
// Java server's 5 s.
func WithAckTimeout(d time.Duration) Option { return func(s *settings) { s.ackTimeout = d } }

// WithAuth makes the cluster ask for a login: naming and config requests without a valid token are refused with error
// code 403. A token is valid for ttl on every node.
func WithAuth(user, password string, ttl time.Duration) Option {
	return func(s *settings) { s.user, s.password, s.tokenTTL = user, password, ttl }
}

// WithLogger makes the cluster say what it does, at debug level. The default is silence.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

func newSettings(opts []Option) settings {
	s := settings{
		ghostExpiry: 180 * time.Second,
		idleAfter:   20 * time.Second,
		ackTimeout:  5 * time.Second,
		logger:      slog.New(slog.DiscardHandler),
		network:     newLocalhost(),
	}
	FastForTests()(&s)
	for _, o := range opts {
		o(&s)
	}
	s.verifyEvery = min(5*time.Second, max(time.Millisecond, min(s.ghostExpiry, s.idleAfter)/5))
	return s
}
