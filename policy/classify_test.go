package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"
)

type statusError struct {
	code  int
	after time.Duration
}

func (e statusError) Error() string             { return fmt.Sprint("status ", e.code) }
func (e statusError) StatusCode() int           { return e.code }
func (e statusError) RetryAfter() time.Duration { return e.after }

type judgedError struct{ verdict Verdict }

func (judgedError) Error() string      { return "judged" }
func (e judgedError) Verdict() Verdict { return e.verdict }

func TestClassify(t *testing.T) {
	dial := &url.Error{Op: "Get", URL: "http://a", Err: &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}}
	tests := map[string]struct {
		err  error
		want Verdict
	}{
		"no error":               {nil, Verdict{Outcome: Success}},
		"judged":                 {fmt.Errorf("x: %w", judgedError{Verdict{Outcome: ShortCircuited}}), Verdict{Outcome: ShortCircuited}},
		"200":                    {statusError{code: 200}, Verdict{Outcome: Success}},
		"404":                    {statusError{code: 404}, Verdict{Outcome: Refused}},
		"408":                    {statusError{code: 408}, Verdict{Outcome: TimedOut}},
		"429":                    {fmt.Errorf("x: %w", statusError{code: 429}), Verdict{Outcome: Throttled}},
		"429 with a time":        {statusError{429, time.Second}, Verdict{Throttled, time.Second}},
		"500":                    {statusError{code: 500}, Verdict{Outcome: Failed}},
		"503":                    {statusError{code: 503}, Verdict{Outcome: Failed}},
		"503 with a time":        {statusError{503, 2 * time.Second}, Verdict{Throttled, 2 * time.Second}},
		"504":                    {statusError{code: 504}, Verdict{Outcome: TimedOut}},
		"connection refused":     {dial, Verdict{Outcome: NeverSent}},
		"dial timed out":         {&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, Verdict{Outcome: NeverSent}},
		"name not found":         {&net.DNSError{Err: "no such host", Name: "a"}, Verdict{Outcome: NeverSent}},
		"reset while reading":    {&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, Verdict{Outcome: Failed}},
		"closed in the middle":   {io.ErrUnexpectedEOF, Verdict{Outcome: Failed}},
		"read timed out":         {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, Verdict{Outcome: TimedOut}},
		"deadline":               {fmt.Errorf("x: %w", context.DeadlineExceeded), Verdict{Outcome: TimedOut}},
		"canceled":               {&url.Error{Op: "Get", URL: "http://a", Err: context.Canceled}, Verdict{Outcome: Canceled}},
		"anything else":          {errors.New("boom"), Verdict{Outcome: Failed}},
		"joined with a judgment": {errors.Join(errors.New("boom"), judgedError{Verdict{Outcome: NoInstance}}), Verdict{Outcome: NoInstance}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Classify(nil, tt.err); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestOutcomesFollowTheirTable(t *testing.T) {
	type row struct{ ok, instance, service, repeat, repeatIdempotent, same bool }
	want := map[Outcome]row{
		Success:        {ok: true},
		Refused:        {ok: true},
		Canceled:       {},
		NoInstance:     {repeat: true, repeatIdempotent: true},
		AllTried:       {},
		ShortCircuited: {},
		NeverSent:      {instance: true, service: true, repeat: true, repeatIdempotent: true, same: true},
		Throttled:      {service: true, repeat: true, repeatIdempotent: true, same: true},
		TimedOut:       {instance: true, service: true, repeatIdempotent: true},
		Failed:         {instance: true, service: true, repeatIdempotent: true},
	}
	if len(want) != len(outcomeNames) {
		t.Fatalf("%d outcomes have a name, %d stand in the table", len(outcomeNames), len(want))
	}
	for o, w := range want {
		got := row{o.OK(), o.BlamesInstance(), o.BlamesService(), o.Repeatable(false), o.Repeatable(true), o.SameInstance()}
		if got != w {
			t.Errorf("%s: got %+v, want %+v", o, got, w)
		}
	}
}
