// Package middleware holds the stages that keep a call alive while its callee fails, each an endpoint.Middleware that
// works in any go-kit chain: Timeout, Retry, Breaker, Recover; and CheckStatus, which makes go-kit's HTTP transport
// tell them what the callee said.
//
// Together they go in this order, from the caller inwards:
//
//	Timeout (the whole call) → Retry → Breaker → choice of an instance → Timeout (one try) → Recover → transport
//
// An attempt is judged once (see policy.Classify), by the stage nearest to the callee; the others take over that verdict.
//
// The stages of one call share a state in its context, which belongs to the call's goroutine: one stage must not call
// the next in several goroutines at once. What a Kit's endpoint does below them begins calls of its own, also when it uses
// these stages itself.
package middleware

import (
	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
)

// A TimeoutOption is a collaborator of Timeout.
type TimeoutOption interface{ toTimeout(*timeout) }

// A RetryOption is a collaborator of Retry.
type RetryOption interface{ toRetry(*retry) }

// A BreakerOption is a collaborator of Breaker.
type BreakerOption interface{ toBreaker(*breaker) }

// ObserverOption is an option of Timeout and Retry.
type ObserverOption struct{ observer event.Observer }

// WithObserver says who is told what happened. Default: nobody.
func WithObserver(o event.Observer) ObserverOption {
	if o == nil {
		o = event.Discard{}
	}
	return ObserverOption{o}
}

func (o ObserverOption) toTimeout(t *timeout) { t.observer = o.observer }
func (o ObserverOption) toRetry(r *retry)     { r.observer = o.observer }

// ClassifierOption is an option of Retry and Breaker.
type ClassifierOption struct{ classify policy.Classifier }

// WithClassifier says who judges an attempt that no stage nearer to the callee has judged. Default: policy.Classify.
func WithClassifier(c policy.Classifier) ClassifierOption { return ClassifierOption{c} }

func (o ClassifierOption) toRetry(r *retry)     { r.classify = o.classify }
func (o ClassifierOption) toBreaker(b *breaker) { b.classify = o.classify }

// BudgetOption is an option of Retry.
type BudgetOption struct{ budget *Budget }

// WithBudget makes a service's methods share what may be spent on retries. Default, also for nil: a budget of the
// middleware's own with the default policy.
func WithBudget(b *Budget) BudgetOption { return BudgetOption{b} }

func (o BudgetOption) toRetry(r *retry) {
	if o.budget != nil {
		r.budget = o.budget
	}
}
