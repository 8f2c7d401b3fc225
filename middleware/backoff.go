package middleware

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/holdfast-go/holdfast/policy"
)

// jitter draws the pause before the n-th retry, from 1: "full jitter" as described in "Exponential Backoff And Jitter"
// on the AWS Architecture Blog.
func jitter(b policy.Backoff, n int) time.Duration {
	ceiling := min(float64(b.Max), float64(b.Base)*math.Pow(b.Factor, float64(n-1)))
	return time.Duration(rand.Float64() * ceiling)
}

// fits reports whether a pause leaves time for an attempt. An attempt with less than a millisecond is not worth its cost.
func fits(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline)-pause >= time.Millisecond
}

// sleep returns false when ctx ended first.
func sleep(ctx context.Context, pause time.Duration) bool {
	if pause <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
