package nacostest

// ledger holds what outlives connections: configs, persistent instances, edits made in the console. Every change
// carries a number that only grows within the cluster, so that nodes agree on the latest whatever order they hear in.
type ledger[K comparable, V any] map[K]entry[V]

type entry[V any] struct {
	revision uint64
	removed  bool
	value    V
}

// value is the zero value where there is none.
func (l ledger[K, V]) value(k K) (V, bool) {
	e, ok := l[k]
	return e.value, ok && !e.removed
}

func (l ledger[K, V]) put(k K, v V, revision uint64) { l[k] = entry[V]{revision: revision, value: v} }

func (l ledger[K, V]) remove(k K, revision uint64) {
	l[k] = entry[V]{revision: revision, removed: true}
}

// merge takes over what is newer elsewhere, and tells what each key had before.
func (l ledger[K, V]) merge(from ledger[K, V], changed func(k K, was V)) {
	for k, e := range from {
		if e.revision > l[k].revision {
			was, _ := l.value(k)
			l[k] = e
			changed(k, was)
		}
	}
}
