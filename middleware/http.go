package middleware

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	httptransport "github.com/go-kit/kit/transport/http"
)

const (
	bodyKept     = 1 << 10        // bytes of an error's body that a StatusError keeps
	bodyRead     = 64 << 10       // bytes that are read so that the connection can be used again
	longestAfter = 24 * time.Hour // no Retry-After is obeyed beyond this
)

// StatusError is an HTTP answer with a status of 400 or above. policy.Classify judges it by its status and Retry-After.
type StatusError struct {
	Code   int
	Method string
	URL    string        // without user and query
	After  time.Duration // what Retry-After asks for, at most 24h; 0 if it is missing or makes no sense
	Body   []byte        // the first KiB
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("http status %d %s", e.Code, http.StatusText(e.Code))
	if e.URL != "" {
		text = e.Method + " " + e.URL + ": " + text
	}
	return text
}

// StatusCode returns the HTTP status; it makes the error a go-kit StatusCoder.
func (e *StatusError) StatusCode() int { return e.Code }

// RetryAfter returns for how long the callee wants to be left alone.
func (e *StatusError) RetryAfter() time.Duration { return e.After }

// CheckStatus lets next decode only answers with a status below 400; the others become a *StatusError. Without it, go-kit's
// HTTP transport hands a 500 to the decoder as if it were an answer, and no stage learns of the failure.
func CheckStatus(next httptransport.DecodeResponseFunc) httptransport.DecodeResponseFunc {
	return func(ctx context.Context, r *http.Response) (any, error) {
		if r.StatusCode < http.StatusBadRequest {
			return next(ctx, r)
		}
		return nil, newStatusError(r)
	}
}

func newStatusError(r *http.Response) *StatusError {
	e := &StatusError{Code: r.StatusCode, After: retryAfter(r.Header, time.Now())}
	if r.Request != nil && r.Request.URL != nil {
		u := r.Request.URL
		e.Method, e.URL = r.Request.Method, (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	}
	// The status has been received; nothing that goes wrong with the rest of the answer makes a difference.
	e.Body, _ = io.ReadAll(io.LimitReader(r.Body, bodyKept))
	_, _ = io.CopyN(io.Discard, r.Body, bodyRead)
	_ = r.Body.Close()
	return e
}

// retryAfter reads Retry-After (RFC 9110, 10.2.3). A date is taken relative to the answer's own Date, so that the clocks
// need not agree.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(longestAfter/time.Second))) * time.Second //nolint:gosec // bounded
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), longestAfter)
}
