package holdfast

import (
	"runtime/debug"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
)

// guarded leaves the verdict to policy.Classify when classify panics; where says whose it is. Nil stays nil.
func guarded(classify policy.Classifier, where string, o event.Observer) policy.Classifier {
	if classify == nil {
		return nil
	}
	return func(response any, err error) (verdict policy.Verdict) {
		defer func() {
			if value := recover(); value != nil {
				o.Observe(event.Panicked{Where: where, Value: value, Stack: debug.Stack()})
				verdict = policy.Classify(response, err)
			}
		}()
		return classify(response, err)
	}
}
