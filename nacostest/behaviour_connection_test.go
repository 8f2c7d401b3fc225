package nacostest_test

import (
	"net/url"
	"slices"
	"time"
)

var connectionBehaviours = []behaviour{
	{"one client can be asked to move to another server", func(b *bench) {
		if b.flavour == "rnacos" {
			b.Logf("not tried: r-nacos asks no client to move")
			return
		}
		asked, other := b.connect(0), b.connect(0)
		reset := func(connection, to string) {
			b.Helper()
			code, answer := b.web("GET", "/v2/core/loader/reloadClient", url.Values{"connectionId": {connection}, "redirectAddress": {to}})
			if code != 200 {
				b.Fatalf("answered %d %s", code, answer)
			}
		}
		reset(asked.id, "127.0.0.1:1")
		asked.await("ConnectResetRequest", func(p push) bool { return p.ServerIP == "127.0.0.1" && p.ServerPort == "1" })
		reset(asked.id, "")
		asked.await("ConnectResetRequest", func(p push) bool { return p.ServerIP == "" && p.ServerPort == "" })
		reset("no such connection", "127.0.0.1:1")
		time.Sleep(b.lag())
		if slices.ContainsFunc(other.all(), func(p push) bool { return p.Type == "ConnectResetRequest" }) {
			b.Errorf("another client was asked, too: %+v", other.all())
		}
		asked.ask("HealthCheckRequest", body{}) // the connection stays
	}},
	{"a client that owes a sign of life is dropped, one that gives it stays", func(b *bench) {
		if b.flavour == "java" && b.real {
			b.Logf("not tried: the Java Nacos 2.2.4 as it is built here asked no silent client within a minute")
			return
		}
		quiet, mute := b.connect(0), b.connect(0)
		mute.silence()
		mute.register(b.service, host(8001))
		b.shows(quiet, 8001)
		begin := time.Now()
		select {
		case <-mute.ended: // r-nacos asks after 15 s and waits 3 s
		case <-time.After(time.Minute):
			b.Fatalf("not dropped; pushes so far: %+v", mute.all())
		}
		b.Logf("dropped after %v", time.Since(begin).Round(time.Millisecond))
		isAsked := func(push) bool { return true }
		mute.await("ClientDetectionRequest", isAsked)
		quiet.await("ClientDetectionRequest", isAsked)
		b.shows(quiet)
	}},
}
