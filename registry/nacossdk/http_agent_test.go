package nacossdk

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"
)

// served is an HTTP server as an address of a Nacos server.
func served(t *testing.T, h http.HandlerFunc) registry.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	parsed, err := registry.Connection{Servers: []string{s.Listener.Addr().String()}}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return parsed[0]
}

// TestAnswersToTheLogin has the SDK log in: what it cannot stand must not reach it.
func TestAnswersToTheLogin(t *testing.T) {
	t.Parallel()
	for answer, welcome := range map[string]bool{
		`{"accessToken":"abc","tokenTtl":18000,"globalAdmin":true}`: true,
		`{"accessToken":"abc","tokenTtl":1}`:                        true,
		`{"accessToken":"abc","expiresIn":3600}`:                    false,
		`{"accessToken":"abc","tokenTtl":"18000"}`:                  false,
		`{"accessToken":"abc","tokenTtl":null}`:                     false,
		`{"accessToken":"abc","tokenTtl":0}`:                        false,
		`{"accessToken":"abc","tokenTtl":0.9}`:                      false,
		`{"accessToken":"abc","tokenTtl":-5}`:                       false,
		`{"accessToken":"abc","tokenTtl":1e300}`:                    false,
		`{"accessToken":5,"tokenTtl":18000}`:                        false,
		`{"accessToken":null,"tokenTtl":18000}`:                     false,
		`{"AccessToken":"abc","TokenTtl":18000}`:                    false,
		`{"data":{"accessToken":"abc","tokenTtl":18000}}`:           false,
		`null`: false, `[]`: false, `"abc"`: false, ``: false, `<html>`: false,
	} {
		server := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
		agent := newHTTPAgent(t.Context())
		client := security.NewNacosAuthClient(
			constant.ClientConfig{Username: "nacos", Password: "right", TimeoutMs: 10_000}, serverConfigs([]registry.Server{server}), agent)
		if ok, err := client.Login(); ok != welcome || (err == nil) != welcome {
			t.Errorf("%s: %t, %v", answer, ok, err)
		}
		if at, _ := agent.login(); at.IsZero() == welcome {
			t.Errorf("%s: logged in at %v", answer, at)
		}
	}
}
