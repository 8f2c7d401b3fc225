package nacostest_test

import (
	"fmt"
	"maps"
	"time"
)

var configBehaviours = []behaviour{
	{"a config is published, read on every node and removed", func(b *bench) {
		c := b.connect(0)
		c.refused("ConfigQueryRequest", b.config(nil), 300)
		c.ask("ConfigPublishRequest", b.config(body{"content": "a: 1", "additionMap": body{"type": "yaml"}}))
		for i := range b.addrs {
			reader := b.connect(i)
			var a answer
			b.eventually(func() bool {
				a, _ = reader.try("ConfigQueryRequest", b.config(nil))
				return a.Content == "a: 1"
			}, func() string { return fmt.Sprintf("node %d has %+v", i, a) })
			if a.Md5 != md5Of("a: 1") || a.ContentType != "yaml" {
				b.Errorf("md5 %q, type %q", a.Md5, a.ContentType)
			}
		}
		c.ask("ConfigRemoveRequest", b.config(nil))
		for i := range b.addrs {
			reader := b.connect(i)
			b.eventually(func() bool {
				a, err := reader.try("ConfigQueryRequest", b.config(nil))
				return err == nil && a.ErrorCode == 300
			}, func() string { return fmt.Sprintf("still on node %d", i) })
		}
		c.ask("ConfigRemoveRequest", b.config(nil)) // once more is no error
	}},
	{"a listener is told what differs, then of every change", func(b *bench) {
		publisher, listener := b.connect(0), b.connect(1)
		listen := func(md5 string) []configNamed {
			return listener.ask("ConfigBatchListenRequest", body{"module": "config", "listen": true, "configListenContexts": []body{
				{"group": "behaviour", "dataId": b.service, "tenant": "", "md5": md5},
			}}).ChangedConfigs
		}
		named := func(p push) bool { return p.DataID == b.service && p.Group == "behaviour" && p.Tenant == "" }
		if got := listen(""); len(got) != 0 {
			b.Errorf("a missing config differs: %+v", got)
		}
		publisher.ask("ConfigPublishRequest", b.config(body{"content": "one"}))
		listener.await("ConfigChangeNotifyRequest", named)
		if got := listen(""); len(got) != 1 || got[0].DataID != b.service {
			b.Errorf("differs: %+v", got)
		}
		if got := listen(md5Of("one")); len(got) != 0 {
			b.Errorf("the same differs: %+v", got)
		}
		time.Sleep(b.lag())
		before := listener.seen()
		publisher.ask("ConfigPublishRequest", b.config(body{"content": "two"}))
		listener.awaitAfter(before, "ConfigChangeNotifyRequest", named)
		time.Sleep(b.lag())
		before = listener.seen()
		publisher.ask("ConfigRemoveRequest", b.config(nil))
		listener.awaitAfter(before, "ConfigChangeNotifyRequest", named)
	}},
}

// config is a request about the config that belongs to the case.
func (b *bench) config(more body) body {
	all := body{"module": "config", "tenant": "", "group": "behaviour", "dataId": b.service}
	maps.Copy(all, more)
	return all
}
