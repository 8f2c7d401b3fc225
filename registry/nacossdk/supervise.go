package nacossdk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/registry"
)

const (
	lookEvery   = 200 * time.Millisecond // at the SDK's status: it tells nobody when it loses a connection
	lookClosely = 20 * time.Millisecond  // while it connects
	patience    = time.Second            // for the SDK to move to another server before we ask why it does not
	probeEvery  = 500 * time.Millisecond // mean; while there is no connection
	replaceWait = 2 * time.Second        // at most, full jitter, between two replacements
	nextPeriod  = 10 * time.Second       // for a replacement to connect before it is given up
	handOver    = 3 * time.Second        // for the other servers to hear what is registered over a replacement
)

func (k *link) open(avoid string) *sdkClient {
	servers := slices.DeleteFunc(slices.Clone(k.servers), func(s registry.Server) bool { return s.String() == avoid })
	if len(servers) == 0 {
		servers = k.servers
	}
	c := newSDKClient(k.conn, servers, k.handlers, k.logger, k.rouse)
	c.partial = len(servers) < len(k.servers)
	return c
}

// supervision is what supervise knows.
type supervision struct {
	client, next *sdkClient
	nextBy       time.Time  // when next is given up
	old          *sdkClient // nil, or what client has replaced: it ends once nobody needs what is registered over it
	oldBy        time.Time
	lost         time.Time // zero while connected
	findings     chan finding
	probeAt      time.Time
	replaceAt    time.Time
}

func (s *supervision) retire() {
	for _, c := range []*sdkClient{s.client, s.next, s.old} {
		if c != nil {
			c.retire()
		}
	}
}

// leave ends what has been replaced.
func (s *supervision) leave() {
	if s.old != nil {
		s.old.retire()
	}
	s.old = nil
}

// finding is what probe found.
type finding struct {
	alive bool
	why   error
}

func (k *link) supervise() {
	now := time.Now()
	s := &supervision{client: k.open(""), lost: now}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-k.ctx.Done():
			s.retire()
			return
		case reason := <-k.renew:
			k.logger.Debug("nacos sdk: new connection", "reason", reason)
			if s.next == nil {
				_, node := s.client.identity()
				s.next, s.nextBy = k.open(node), time.Now().Add(nextPeriod)
			}
		case f := <-s.findings:
			s.findings = nil
			k.help(s, f)
		case <-k.wake:
			tick.Reset(lookClosely)
		case <-tick.C:
			tick.Reset(lookEvery)
		}
		if k.look(s); !s.lost.IsZero() || s.next != nil {
			tick.Reset(lookClosely)
		}
	}
}

// look takes note of what has become of the connections. What is registered over one is gone from the servers when it ends,
// and what is registered over the next takes a second to reach all of them: that is why a replaced one stays for a while. It
// ends sooner when it holds what has been taken back meanwhile, or holds up a request.
func (k *link) look(s *supervision) {
	now := time.Now()
	if s.old != nil && (now.After(s.oldBy) || k.forsaken.Load() || k.serves(s.old)) {
		s.leave()
	}
	switch {
	case s.next == nil:
	case s.next.running():
		s.leave()
		s.old, s.oldBy = s.client, now.Add(handOver)
		s.old.replaced.Store(true)
		s.client, s.next = s.next, nil
		k.forsaken.Store(false)
		k.connected(s.client)
		if !s.old.running() {
			s.leave()
		}
	case now.After(s.nextBy):
		if !s.client.running() {
			s.client, s.next = s.next, s.client
		}
		s.next.retire()
		s.next = nil
	}
	if s.client.running() {
		s.lost, s.probeAt, s.replaceAt = time.Time{}, time.Time{}, time.Time{}
		k.connected(s.client)
		return
	}
	if s.lost.IsZero() {
		s.lost = now
		k.disconnected(s.client)
		if s.client.partial && s.next == nil { // the server that it was to avoid may be the only one left
			s.client.retire()
			s.client = k.open("")
		}
	}
	failedAtOnce := s.client.startedUp() && k.unsettled()
	if s.next == nil && s.findings == nil && (failedAtOnce || now.Sub(s.lost) >= patience) && now.After(s.probeAt) {
		found := make(chan finding, 1)
		s.findings = found
		k.work.Go(func() {
			alive, why := probe(k.ctx, k.servers)
			found <- finding{alive, why}
		})
	}
}

// help says why there is no connection, and helps the SDK on its feet: after a long outage it waits for seconds between
// attempts, and there are ways in which it never comes back.
func (k *link) help(s *supervision, f finding) {
	now := time.Now()
	s.probeAt = now.Add(probeEvery/2 + rand.N(probeEvery))
	switch {
	case s.client.running() || s.next != nil:
		return
	case !f.alive:
		s.replaceAt = time.Time{}
		k.unreachable(f.why)
		return
	case now.Sub(s.lost) >= 3*patience:
		k.unreachable(fmt.Errorf("a server answers, but the SDK does not connect: %s", strings.Join(strings.Fields(s.client.lastFailure()), " ")))
	}
	if s.replaceAt.IsZero() {
		s.replaceAt = now.Add(probeEvery)
	}
	if s.client.startedUp() && now.After(s.replaceAt) {
		s.client.retire()
		s.client = k.open("")
		s.replaceAt = now.Add(probeEvery + rand.N(replaceWait))
	}
}

// unsettled reports whether it is still open if a server can be reached at all.
func (k *link) unsettled() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.phase == connecting && k.state.epoch == 0
}
