package nacostest

import (
	"cmp"
	"encoding/json"
	"net/http"
)

// newHTTP returns the few HTTP endpoints that a client or a person needs, under /nacos.
func newHTTP(r *run) http.Handler {
	w := web{run: r}
	mux := http.NewServeMux()
	for _, version := range []string{"v1", "v2", "v3"} {
		mux.HandleFunc("GET /nacos/"+version+"/console/health/liveness", w.open(w.health))
		mux.HandleFunc("GET /nacos/"+version+"/console/health/readiness", w.open(w.health))
	}
	mux.HandleFunc("GET /nacos/v1/ns/operator/metrics", w.open(w.metrics))
	mux.HandleFunc("GET /nacos/v2/core/loader/reloadClient", w.secured(w.resetClient))
	mux.HandleFunc("POST /nacos/v1/auth/login", w.open(w.login))
	mux.HandleFunc("POST /nacos/v1/auth/users/login", w.open(w.login))
	mux.HandleFunc("POST /nacos/v3/auth/user/login", w.open(w.login))
	mux.HandleFunc("POST /nacos/v1/ns/instance", w.secured(w.registerInstance))
	mux.HandleFunc("PUT /nacos/v1/ns/instance", w.secured(w.updateInstance))
	mux.HandleFunc("DELETE /nacos/v1/ns/instance", w.secured(w.deregisterInstance))
	mux.HandleFunc("GET /nacos/v1/ns/instance/list", w.secured(w.listInstances))
	mux.HandleFunc("GET /nacos/v1/cs/configs", w.secured(w.readConfig))
	mux.HandleFunc("POST /nacos/v1/cs/configs", w.secured(w.publishConfig))
	mux.HandleFunc("DELETE /nacos/v1/cs/configs", w.secured(w.removeConfig))
	return w.ready(mux)
}

type web struct{ run *run }

// ready delays answers as told and refuses all of them while the node is "starting".
func (w web) ready(next http.Handler) http.Handler {
	n := w.run.node
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		n.cluster.mu.Lock()
		delay, starting := n.faults.delay, n.faults.starting
		n.cluster.mu.Unlock()
		if pause(in.Context(), w.run, delay) != nil {
			return
		}
		if starting {
			http.Error(out, "server is STARTING now, please try again later!", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(out, in)
	})
}

// page is an answer. Handlers return it rather than write it: they run under the cluster's lock, and writing to a
// client may take any time.
type page struct {
	status      int
	contentType string
	md5         string
	body        []byte
}

func (p page) write(out http.ResponseWriter) {
	out.Header().Set("Content-Type", p.contentType)
	if p.md5 != "" {
		out.Header().Set("Content-MD5", p.md5)
	}
	out.WriteHeader(p.status)
	_, _ = out.Write(p.body)
}

func text(status int, s string) page {
	return page{status: status, contentType: "text/plain;charset=UTF-8", body: []byte(s)}
}

func asJSON(v any) page {
	raw, err := json.Marshal(v)
	if err != nil {
		return text(http.StatusInternalServerError, err.Error())
	}
	return page{status: http.StatusOK, contentType: "application/json;charset=UTF-8", body: raw}
}

type webHandler func(*http.Request) (page, error)

// open serves a handler to everybody, secured to those with a valid token where a login is asked for.
func (w web) open(do webHandler) http.HandlerFunc    { return w.locked(do, false) }
func (w web) secured(do webHandler) http.HandlerFunc { return w.locked(do, true) }

func (w web) locked(do webHandler, secured bool) http.HandlerFunc {
	return func(out http.ResponseWriter, in *http.Request) {
		token := cmp.Or(in.FormValue("accessToken"), in.Header.Get("accessToken")) // reads the body
		w.answer(do, in, secured, token).write(out)
	}
}

func (w web) answer(do webHandler, in *http.Request, secured bool, token string) page {
	c := w.run.node.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if !w.run.alive() {
		return text(http.StatusServiceUnavailable, "the node is down")
	}
	if secured && !c.authorised(token) {
		return text(http.StatusForbidden, forbiddenMessage)
	}
	p, err := do(in)
	if err != nil {
		return text(http.StatusBadRequest, "caused: "+err.Error())
	}
	return p
}

func (w web) health(*http.Request) (page, error) { return text(http.StatusOK, "OK"), nil }

func (w web) metrics(*http.Request) (page, error) {
	return asJSON(map[string]string{"status": "UP"}), nil
}

func (w web) login(in *http.Request) (page, error) {
	c := w.run.node.cluster
	token, ok := c.login(in.FormValue("username"), in.FormValue("password"))
	if !ok {
		return text(http.StatusForbidden, "unknown user!"), nil
	}
	return asJSON(map[string]any{
		"accessToken": token, "tokenTtl": int(c.settings.tokenTTL.Seconds()), "globalAdmin": true, "username": in.FormValue("username"),
	}), nil
}
