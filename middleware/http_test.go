package middleware

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/kit/endpoint"
	httptransport "github.com/go-kit/kit/transport/http"

	"github.com/holdfast-go/holdfast/policy"
)

func decode(_ context.Context, r *http.Response) (any, error) {
	var v map[string]any
	return v, json.NewDecoder(r.Body).Decode(&v)
}

// client calls address with go-kit's HTTP transport, on connections of its own.
func client(t testing.TB, address string) endpoint.Endpoint {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return httptransport.NewClient(http.MethodPost, target, httptransport.EncodeJSONRequest, CheckStatus(decode),
		httptransport.SetClient(&http.Client{Transport: transport})).Endpoint()
}

func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// abandoned returns an address at which nobody listens.
func abandoned(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String()
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "{}")
	}
}

// reset drops the connection after it has sent part of an answer, or nothing.
func reset(part string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, part)
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

// What go-kit's HTTP transport really returns gets the right verdict.
func TestClassifyHTTPTransport(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the server notices the client's leaving
		<-r.Context().Done()
	}
	for _, test := range []struct {
		name    string
		address string
		want    policy.Verdict
	}{
		{"answered", serve(t, status(200)), policy.Verdict{Outcome: policy.Success}},
		{"not found", serve(t, status(404)), policy.Verdict{Outcome: policy.Refused}},
		{"too many", serve(t, status(429)), policy.Verdict{Outcome: policy.Throttled}},
		{"too many, later", serve(t, status(429, "Retry-After", "2")), policy.Verdict{Outcome: policy.Throttled, RetryAfter: 2 * time.Second}},
		{"request timeout", serve(t, status(408)), policy.Verdict{Outcome: policy.TimedOut}},
		{"server error", serve(t, status(500)), policy.Verdict{Outcome: policy.Failed}},
		{"unavailable", serve(t, status(503)), policy.Verdict{Outcome: policy.Failed}},
		{"unavailable, later", serve(t, status(503, "Retry-After", "3")), policy.Verdict{Outcome: policy.Throttled, RetryAfter: 3 * time.Second}},
		{"gateway timeout", serve(t, status(504)), policy.Verdict{Outcome: policy.TimedOut}},
		{"no JSON", serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }), policy.Verdict{Outcome: policy.Failed}},
		{"refused", abandoned(t), policy.Verdict{Outcome: policy.NeverSent}},
		{"unknown name", "http://holdfast.invalid/", policy.Verdict{Outcome: policy.NeverSent}},
		{"reset before an answer", serve(t, reset("")), policy.Verdict{Outcome: policy.Failed}},
		{"reset in an answer", serve(t, reset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")), policy.Verdict{Outcome: policy.Failed}},
		{"no HTTP", serve(t, reset("SSH-2.0-OpenSSH_9.9\r\n")), policy.Verdict{Outcome: policy.Failed}},
		{"hangs", serve(t, hang), policy.Verdict{Outcome: policy.TimedOut}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			response, err := client(t, test.address)(ctx, struct{}{})
			if got := policy.Classify(response, err); got != test.want {
				t.Errorf("%v judged %v, not %v", err, got, test.want)
			}
		})
	}
	t.Run("hangs, with a Timeout of ours", func(t *testing.T) {
		_, err := Timeout(50*time.Millisecond)(client(t, serve(t, hang)))(t.Context(), struct{}{})
		if got := policy.Classify(nil, err).Outcome; got != policy.TimedOut {
			t.Errorf("%v judged %v", err, got)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		address := serve(t, func(w http.ResponseWriter, r *http.Request) {
			cancel()
			hang(w, r)
		})
		_, err := client(t, address)(ctx, struct{}{})
		if got := policy.Classify(nil, err).Outcome; got != policy.Canceled {
			t.Errorf("%v judged %v", err, got)
		}
	})
}

func TestStatusErrorTells(t *testing.T) {
	body := strings.Repeat("x", 3000)
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, http.StatusInternalServerError) })
	_, err := client(t, address+"/orders/7?token=secret")(t.Context(), struct{}{})

	var failed *StatusError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
	if failed.Code != 500 || failed.Method != http.MethodPost || failed.URL != address+"/orders/7" || string(failed.Body) != body[:1024] {
		t.Errorf("got %+v", failed)
	}
	if want := "POST " + address + "/orders/7: http status 500 Internal Server Error"; err.Error() != want {
		t.Errorf("reads %q, not %q", err, want)
	}
	if want := "http status 429 Too Many Requests"; (&StatusError{Code: 429}).Error() != want {
		t.Errorf("without an address it does not read %q", want)
	}
}

func TestCheckStatusKeepsTheConnection(t *testing.T) {
	get := client(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("x", 20_000), http.StatusInternalServerError)
	}))
	reused := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }})
	for range 2 {
		if _, err := get(ctx, struct{}{}); err == nil {
			t.Fatal("no error")
		}
	}
	if !reused {
		t.Error("a failed call costs its connection")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"120", "", 2 * time.Minute},
		{"-5", "", 0},
		{"1.5", "", 0},
		{"soon", "", 0},
		{"99999999999999999999", "", 0},
		{"9223372036854775807", "", 24 * time.Hour},
		{"Sun, 01 Mar 2026 12:00:30 GMT", "", 30 * time.Second},
		{"Sun, 01 Mar 2026 11:00:00 GMT", "", 0},
		{"Mon, 01 Mar 2027 12:00:00 GMT", "", 24 * time.Hour},
		{"Sun, 01 Mar 2026 13:00:30 GMT", "Sun, 01 Mar 2026 13:00:00 GMT", 30 * time.Second}, // its clock is an hour ahead
	} {
		h := http.Header{"Retry-After": {test.value}, "Date": {test.date}}
		if got := retryAfter(h, now); got != test.want {
			t.Errorf("%q is %v, not %v", test.value, got, test.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "120", "-1", "1e3", "Sun, 01 Mar 2026 12:00:30 GMT", "Sunday, 01-Mar-26 12:00:30 GMT", "18446744073709551616"} {
		f.Add(s, s)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, date string) {
		got := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now)
		if got < 0 || got > longestAfter {
			t.Fatalf("%q is %v", value, got)
		}
		if seconds, err := strconv.ParseUint(value, 10, 16); err == nil && got != time.Duration(seconds)*time.Second {
			t.Fatalf("%q is %v", value, got)
		}
	})
}
