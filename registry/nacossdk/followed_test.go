package nacossdk

import (
	"testing"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
)

// TestListenedToWhileTheServerIsAsked: the server must hear of a document at once also when it is being asked about others.
func TestListenedToWhileTheServerIsAsked(t *testing.T) {
	t.Parallel()
	c := &configs{observer: event.Discard{}, loop: newLoop(), followed: make(map[registry.ConfigKey]*followed)}
	listen := func(dataID string) {
		k := registry.ConfigKey{DataID: dataID}.WithDefaults()
		stop, err := c.listen(k, func(registry.Document, error) {})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		c.followed[k].known, c.followed[k].stale = true, false // read
	}
	asked := func() int {
		_, all, _ := c.due(1)
		return len(all)
	}
	listen("one")
	if n := asked(); n != 1 {
		t.Fatalf("asked about %d documents, want one", n)
	}
	if n := asked(); n != 0 {
		t.Errorf("asked about %d documents, want the next question to wait", n)
	}
	listen("two") // the answer has not come yet
	if n := asked(); n != 2 {
		t.Errorf("asked about %d documents, want both", n)
	}
}
