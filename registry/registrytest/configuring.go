package registrytest

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/registry"
)

var configuring = []testCase{
	{"a document that does not exist is not found", func(t *testing.T, s *suite) {
		if d, err := s.one.Configs.Read(patient(t), newKey()); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("read %+v, %v, want ErrNotFound", d, err)
		}
	}},
	{"what was published is read by every client", func(t *testing.T, s *suite) {
		key := newKey()
		for _, content := range []string{"retries: 2\n", "# größer\nretries: 3\n"} {
			publish(t, s.one.Configs, key, content)
			for _, client := range []Implementation{s.one, s.two} {
				got := readUntil(t, client.Configs, key, content)
				sum := md5.Sum([]byte(content))
				if got.Key != key || got.MD5 != hex.EncodeToString(sum[:]) {
					t.Errorf("read %+v, want key %+v and MD5 %x", got, key, sum)
				}
			}
		}
	}},
	{"documents of different groups are separate", func(t *testing.T, s *suite) {
		key := newKey()
		other := key
		other.Group = "conformance"
		publish(t, s.one.Configs, key, "mine")
		publish(t, s.one.Configs, other, "other")
		readUntil(t, s.one.Configs, key, "mine")
		readUntil(t, s.one.Configs, other, "other")
	}},
	{"a listener gets the current value and then each change once", func(t *testing.T, s *suite) {
		key := newKey()
		publish(t, s.one.Configs, key, "1")
		readUntil(t, s.two.Configs, key, "1")
		heard := listen(t, s.two.Configs, key)
		heard.has(t, "1")
		publish(t, s.one.Configs, key, "2")
		heard.has(t, "1", "2")
		publish(t, s.one.Configs, key, "3")
		heard.has(t, "1", "2", "3")
	}},
	{"a listener hears that there is no document and then of the first", func(t *testing.T, s *suite) {
		key := newKey()
		heard := listen(t, s.two.Configs, key)
		heard.has(t, missing)
		publish(t, s.one.Configs, key, "1")
		heard.has(t, missing, "1")
	}},
	{"two listeners of one document both hear", func(t *testing.T, s *suite) {
		key := newKey()
		publish(t, s.one.Configs, key, "1")
		readUntil(t, s.two.Configs, key, "1")
		first, second := listen(t, s.two.Configs, key), listen(t, s.two.Configs, key)
		first.has(t, "1")
		second.has(t, "1")
		publish(t, s.one.Configs, key, "2")
		first.has(t, "1", "2")
		second.has(t, "1", "2")
		first.stop()
		publish(t, s.one.Configs, key, "3")
		second.has(t, "1", "2", "3")
		publish(t, s.one.Configs, key, "4")
		second.has(t, "1", "2", "3", "4")
		first.has(t, "1", "2")
	}},
	{"keys that cannot be meant are refused", func(t *testing.T, s *suite) {
		for _, bad := range []registry.ConfigKey{{}, {DataID: " "}, {DataID: "a b"}, {DataID: "a", Group: "g h"}, {DataID: "a", Namespace: "ü"}} {
			_, err := s.one.Configs.Read(patient(t), bad)
			refused(t, fmt.Sprintf("read %+v", bad), err)
			refused(t, fmt.Sprintf("publish %+v", bad), s.one.Configs.Publish(patient(t), registry.Document{Key: bad, Content: "1"}))
			_, err = s.one.Configs.Listen(patient(t), bad, func(registry.Document, error) {})
			refused(t, fmt.Sprintf("listen to %+v", bad), err)
		}
	}},
	{"requests for documents obey a context that has ended", func(t *testing.T, s *suite) {
		key := newKey()
		if _, err := s.one.Configs.Read(canceled(), key); !errors.Is(err, context.Canceled) {
			t.Errorf("read: %v, want context.Canceled", err)
		}
		if err := s.one.Configs.Publish(canceled(), registry.Document{Key: key, Content: "1"}); !errors.Is(err, context.Canceled) {
			t.Errorf("publish: %v, want context.Canceled", err)
		}
	}},
}

// removing needs Implementation.RemoveConfig.
var removing = []testCase{
	{"a listener hears of a removal and of what comes after", func(t *testing.T, s *suite) {
		key := newKey()
		publish(t, s.one.Configs, key, "1")
		readUntil(t, s.two.Configs, key, "1")
		heard := listen(t, s.two.Configs, key)
		heard.has(t, "1")
		if err := s.one.RemoveConfig(patient(t), key); err != nil {
			t.Fatalf("remove: %v", err)
		}
		heard.has(t, "1", missing)
		publish(t, s.one.Configs, key, "2")
		heard.has(t, "1", missing, "2")
	}},
}

func newKey() registry.ConfigKey { return registry.ConfigKey{DataID: unique()}.WithDefaults() }

func publish(t *testing.T, c registry.Configs, key registry.ConfigKey, content string) {
	t.Helper()
	if err := c.Publish(patient(t), registry.Document{Key: key, Content: content}); err != nil {
		t.Fatalf("publish %s: %v", key, err)
	}
}

// readUntil reads until the server asked has content: servers take a moment to tell each other, and none of them says when.
func readUntil(t *testing.T, c registry.Configs, key registry.ConfigKey, content string) registry.Document {
	t.Helper()
	ctx := patient(t)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		d, err := c.Read(ctx, key)
		if err == nil && d.Content == content {
			return d
		}
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			t.Fatalf("read %s: %v", key, err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("read %s: %q, %v, want %q", key, d.Content, err, content)
		}
	}
}

// missing stands for ErrNotFound among the contents that a listener hears.
const missing = "(missing)"

// ears are what one listener heard.
type ears struct {
	*record[string]
	stop func()
}

func listen(t *testing.T, c registry.Configs, key registry.ConfigKey) *ears {
	t.Helper()
	heard := &ears{record: newRecord[string]()}
	stop, err := c.Listen(patient(t), key, func(d registry.Document, err error) {
		switch {
		case errors.Is(err, registry.ErrNotFound):
			heard.add(missing)
		case err != nil:
			heard.add(err.Error())
		case d.Key != key:
			heard.add(fmt.Sprintf("of another key: %+v", d))
		default:
			heard.add(d.Content)
		}
	})
	if err != nil {
		t.Fatalf("listen to %s: %v", key, err)
	}
	heard.stop = stop
	t.Cleanup(stop)
	return heard
}

// has waits until as many values were heard as wanted, which must be these.
func (e *ears) has(t *testing.T, want ...string) {
	t.Helper()
	got := e.await(t, fmt.Sprintf("heard %q", want), func(all []string) bool { return len(all) >= len(want) })
	if !slices.Equal(got, want) {
		t.Fatalf("heard %q, want %q", got, want)
	}
}
