package holdfast

import (
	"runtime/debug"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
)

// guarded judges by classify, or by policy.Classify if that is nil or panics; when that panics too, because the error's
// own methods do, the attempt has failed. where says whose classifier it is.
func guarded(classify policy.Classifier, where string, o event.Observer) policy.Classifier {
	standard := recovered(policy.Classify, failed, where, o)
	if classify == nil {
		return standard
	}
	return recovered(classify, standard, where, o)
}

func failed(any, error) policy.Verdict { return policy.Verdict{Outcome: policy.Failed} }

// recovered reports a panic of classify and leaves the verdict to another.
func recovered(classify, other policy.Classifier, where string, o event.Observer) policy.Classifier {
	return func(response any, err error) (verdict policy.Verdict) {
		defer func() {
			if value := recover(); value != nil {
				o.Observe(event.Panicked{Where: where, Value: value, Stack: debug.Stack()})
				verdict = other(response, err)
			}
		}()
		return classify(response, err)
	}
}
