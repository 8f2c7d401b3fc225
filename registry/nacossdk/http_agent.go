package nacossdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

const loginPath = "/v1/auth/users/login"

// httpAgent carries HTTP requests: the SDK's login, and ours. It ends with its client, keeps no connection in the process's
// default pool, and remembers how the last login went, of which the SDK does not tell.
type httpAgent struct {
	ctx    context.Context
	client *http.Client

	mu       sync.Mutex
	loggedIn time.Time // zero: never
	refused  string    // why the servers refused the last login
}

func newHTTPAgent(ctx context.Context) *httpAgent {
	return &httpAgent{ctx: ctx, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (a *httpAgent) close() { a.client.CloseIdleConnections() }

// login returns when the last login succeeded, or why a server refused it.
func (a *httpAgent) login() (at time.Time, refused string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.loggedIn, a.refused
}

// Request is called by the SDK, as are the other methods.
func (a *httpAgent) Request(
	method, path string, header http.Header, timeoutMs uint64, params map[string]string,
) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(a.ctx, time.Duration(timeoutMs)*time.Millisecond)
	defer cancel()
	status, text, err := a.exchange(ctx, method, path, header, params)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, loginPath) {
		if status == http.StatusOK && !isLogin(text) {
			return nil, errors.New("the answer to the login is not that of a Nacos server")
		}
		a.note(status, string(text))
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(text))}, nil
}

// exchange sends one request and reads the answer.
func (a *httpAgent) exchange(
	ctx context.Context, method, path string, header http.Header, params map[string]string,
) (status int, text []byte, err error) {
	form := make(url.Values, len(params))
	for k, v := range params {
		form.Set(k, v)
	}
	var body io.Reader
	if method == http.MethodPost || method == http.MethodPut {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		path += "?" + form.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, path, body)
	if err != nil {
		return 0, nil, withoutQuery(err)
	}
	for k, v := range header {
		request.Header[http.CanonicalHeaderKey(k)] = v
	}
	response, err := a.client.Do(request)
	if err != nil {
		return 0, nil, withoutQuery(err)
	}
	defer response.Body.Close()
	text, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return 0, nil, withoutQuery(err)
	}
	return response.StatusCode, text, nil
}

// isLogin reports whether the SDK can take text for the answer to a login. It asserts the types of what it reads, and a
// panic of its goroutine would end the process; a lifetime that it cannot count with makes it log in without a pause.
func isLogin(text []byte) bool {
	var answer map[string]any
	if json.Unmarshal(text, &answer) != nil {
		return false
	}
	_, hasToken := answer[constant.KEY_ACCESS_TOKEN].(string)
	seconds, _ := answer[constant.KEY_TOKEN_TTL].(float64)
	return hasToken && seconds >= 1 && seconds <= 1e9
}

const maxAnswer = 10 << 20

func (a *httpAgent) note(status int, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case status == http.StatusOK:
		a.loggedIn, a.refused = time.Now(), ""
	case status < 500:
		a.refused = fmt.Sprintf("%d %s", status, shorten(text))
	}
}

// Get is Request with GET.
func (a *httpAgent) Get(path string, h http.Header, timeoutMs uint64, p map[string]string) (*http.Response, error) {
	return a.Request(http.MethodGet, path, h, timeoutMs, p)
}

// Post is Request with POST.
func (a *httpAgent) Post(path string, h http.Header, timeoutMs uint64, p map[string]string) (*http.Response, error) {
	return a.Request(http.MethodPost, path, h, timeoutMs, p)
}

// Delete is Request with DELETE.
func (a *httpAgent) Delete(path string, h http.Header, timeoutMs uint64, p map[string]string) (*http.Response, error) {
	return a.Request(http.MethodDelete, path, h, timeoutMs, p)
}

// Put is Request with PUT.
func (a *httpAgent) Put(path string, h http.Header, timeoutMs uint64, p map[string]string) (*http.Response, error) {
	return a.Request(http.MethodPut, path, h, timeoutMs, p)
}

// RequestOnlyResult returns the body of a successful answer, else "".
func (a *httpAgent) RequestOnlyResult(method, path string, h http.Header, timeoutMs uint64, p map[string]string) string {
	response, err := a.Request(method, path, h, timeoutMs, p)
	if err != nil || response.StatusCode != http.StatusOK {
		return ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	return string(text)
}

// withoutQuery drops the URL, which may hold a token.
func withoutQuery(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func shorten(text string) string {
	const most = 200
	text = strings.TrimSpace(text)
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
