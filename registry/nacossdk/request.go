package nacossdk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/holdfast-go/holdfast/registry"
)

// Error codes of the servers.
const (
	codeNotFound  = 300 // of a config; else: the server is starting
	codeBadInput  = 400
	codeForbidden = 403
	codeNoHandler = 302
	codeConflict  = 400 // of a config that is read: it is being modified
)

// loginAge is how old a login must be for a refusal to prompt a new one.
const loginAge = 5 * time.Second

// errand is something that needs a client of the SDK.
type errand func(*sdkClient) (rpc_response.IResponse, error)

// job is something to be done with the SDK's client, on the link's one worker: the SDK knows no contexts, so that a
// caller whose context ends leaves the job behind.
type job struct {
	ctx  context.Context
	do   errand
	done chan result
}

type result struct {
	response rpc_response.IResponse
	err      error
}

// serve works off the jobs one by one.
func (k *link) serve() {
	for {
		select {
		case <-k.ctx.Done():
			return
		case j := <-k.jobs:
			if j.ctx.Err() != nil {
				continue
			}
			j.done <- k.perform(j)
		}
	}
}

func (k *link) perform(j job) result {
	k.mu.Lock()
	c := k.client
	k.serving = c
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		k.serving = nil
		k.mu.Unlock()
	}()
	// Asking first also orders us behind the goroutine of the SDK that made the connection.
	if c == nil || !c.running() {
		return result{err: errInterrupted}
	}
	response, err := j.do(c)
	return result{response, err}
}

// do waits for a connection and does what is asked. Without a deadline in ctx the wait is bounded by RequestTimeout.
func (k *link) do(ctx context.Context, do errand) (rpc_response.IResponse, error) {
	waiting, cancel := bounded(ctx, k.conn.RequestTimeout)
	defer cancel()
	if err := k.await(waiting); err != nil {
		return nil, err
	}
	j := job{ctx: ctx, do: do, done: make(chan result, 1)}
	select {
	case k.jobs <- j:
	case <-k.ctx.Done():
		return nil, registry.ErrClosed
	case <-waiting.Done():
		return nil, fmt.Errorf("nacossdk: %w: waiting for earlier requests: %w", registry.ErrUnavailable, waiting.Err())
	}
	select {
	case r := <-j.done:
		return r.response, r.err
	case <-k.ctx.Done():
		return nil, registry.ErrClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("nacossdk: %w: no answer: %w", registry.ErrUnavailable, ctx.Err())
	}
}

// bounded bounds a wait by d if ctx has no deadline.
func bounded(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, known := ctx.Deadline(); known {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// await returns nil when there is a connection.
func (k *link) await(ctx context.Context) error {
	for {
		state, changed := k.current()
		switch state.phase {
		case up:
			return nil
		case down:
			return state.err
		}
		select {
		case <-changed:
		case <-k.ctx.Done():
			return registry.ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("nacossdk: %w: not connected: %w", registry.ErrUnavailable, ctx.Err())
		}
	}
}

// request sends one request and returns the answer, or why there is none: an error wraps registry.ErrUnavailable or
// registry.ErrRefused, and is an *answerError if a server gave it.
func (k *link) request(ctx context.Context, r rpc_request.IRequest) (rpc_response.IResponse, error) {
	return k.authorised(ctx, k.do, func(c *sdkClient) (rpc_response.IResponse, error) {
		resource := security.BuildNamingResourceByRequest(r)
		if k.handlers.module == constant.LABEL_MODULE_CONFIG {
			resource = security.BuildConfigResourceByRequest(r)
			r.PutAllHeaders(map[string]string{constant.EX_CONFIG_INFO: "true", constant.CHARSET_KEY: "utf-8"})
		}
		c.server.Load().InjectSecurityInfo(r.GetHeaders(), resource)
		response, err := newAttempt(r).try(c.rpc.Load(), k.conn.RequestTimeout.Milliseconds())
		if err != nil {
			c.fail(err.Error())
			switch code := status.Code(err); {
			case code == codes.DeadlineExceeded && k.uses(c):
				k.replace("no answer within the request timeout")
			case code == codes.Unavailable, code == codes.Canceled, unconnected(err):
				return nil, fmt.Errorf("%w: %w", errInterrupted, err)
			}
			return nil, fmt.Errorf("nacossdk: %w: %w", registry.ErrUnavailable, err)
		}
		if !response.IsSuccess() {
			return response, refusal(response)
		}
		return response, nil
	})
}

// errInterrupted says that the connection was lost before there was an answer: on the next one there may be.
var errInterrupted = fmt.Errorf("nacossdk: %w: connection lost", registry.ErrUnavailable)

// errModified says that the same request may soon be answered, over the same connection.
var errModified = fmt.Errorf("%w: being modified", registry.ErrUnavailable)

// insist is request, repeated on the next connection when one is lost, and when the server asks for it.
func (k *link) insist(ctx context.Context, r rpc_request.IRequest) (rpc_response.IResponse, error) {
	ctx, cancel := bounded(ctx, 2*k.conn.RequestTimeout)
	defer cancel()
	for {
		response, err := k.request(ctx, r)
		if !errors.Is(err, errInterrupted) && !errors.Is(err, errModified) {
			return response, err
		}
		select {
		case <-time.After(within(retryFloor)):
		case <-ctx.Done():
			return nil, err
		case <-k.ctx.Done():
			return nil, registry.ErrClosed
		}
	}
}

// authorised repeats what was refused for want of a right when the login is old: its token may have lost its worth, of
// which the SDK takes no notice. way is do or beside.
func (k *link) authorised(
	ctx context.Context, way func(context.Context, errand) (rpc_response.IResponse, error), do errand,
) (rpc_response.IResponse, error) {
	var used *sdkClient
	response, err := way(ctx, func(c *sdkClient) (rpc_response.IResponse, error) {
		used = c
		return do(c)
	})
	var answer *answerError
	if k.conn.Username == "" || !errors.As(err, &answer) || answer.Code != codeForbidden {
		return response, err
	}
	at, refused := used.http.login()
	switch {
	case refused != "":
		k.renewLogin(used)
		return nil, fmt.Errorf("nacossdk: login as %q: %w: %s", k.conn.Username, registry.ErrRefused, refused)
	case time.Since(at) < loginAge:
		return response, err // refused with a fresh login: it is meant
	}
	if !k.renewLogin(used) {
		return nil, fmt.Errorf("nacossdk: %w: not logged in yet: %s", registry.ErrUnavailable, answer.Message)
	}
	if err := k.awaitOther(ctx, used); err != nil {
		return nil, fmt.Errorf("nacossdk: %w: logging in anew: %w", registry.ErrUnavailable, err)
	}
	return way(ctx, do)
}

// renewLogin asks for a new connection with a login of its own, but not again and again.
func (k *link) renewLogin(used *sdkClient) (asked bool) {
	wait := loginAge
	if at, refused := used.http.login(); at.IsZero() && refused == "" {
		wait = time.Second // the login found no server; the requests did
	}
	k.mu.Lock()
	due := k.client == used && time.Since(k.sinceUp) >= wait
	k.mu.Unlock()
	if due {
		k.replace("the servers want a new login")
	}
	return due
}

// awaitOther waits until another client than the one used is connected.
func (k *link) awaitOther(ctx context.Context, used *sdkClient) error {
	ctx, cancel := context.WithTimeout(ctx, k.conn.RequestTimeout)
	defer cancel()
	for {
		k.mu.Lock()
		other, changed := k.client != used, k.settled
		k.mu.Unlock()
		if other {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-k.ctx.Done():
			return registry.ErrClosed
		}
	}
}

// answerError is a server's answer that is no success.
type answerError struct {
	Code    int
	Message string
	kind    error
}

func newAnswerError(code int, message string) *answerError {
	kind := registry.ErrUnavailable // a server that is starting or has lost its leader: try again
	switch code {
	case codeBadInput, codeForbidden, codeNoHandler:
		kind = registry.ErrRefused
	}
	return &answerError{code, shorten(message), kind}
}

// refusal is the error of an answer that is no success.
func refusal(r rpc_response.IResponse) error {
	err := newAnswerError(r.GetErrorCode(), r.GetMessage())
	if _, read := r.(*rpc_response.ConfigQueryResponse); read && err.Code == codeConflict {
		err.kind = errModified
	}
	return err
}

func (e *answerError) Error() string {
	return fmt.Sprintf("nacossdk: %v: the server answers %d: %s", e.kind, e.Code, e.Message)
}

func (e *answerError) Unwrap() error { return e.kind }
