package holdfast_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/resolver"
)

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "holdfast.yaml")
	write(t, path, `
nacos:
  servers: [n1:8848, "n2:8848"]
  disk: {dir: /var/lib/holdfast}
defaults:
  timeout: {try: 250ms}
services:
  orders:
    ejection: {time: 3s}
    methods:
      Get: {idempotent: true}
`)
	cfg, err := holdfast.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.For("orders", "Get")
	if len(cfg.Nacos.Servers) != 2 || cfg.Nacos.Disk.Dir != "/var/lib/holdfast" ||
		p.Timeout.Try != 250*time.Millisecond || p.Ejection.Time != 3*time.Second || !p.Idempotent.On() {
		t.Errorf("%+v\n%+v", cfg, p)
	}
}

func TestLoadNamesEachFaultWithItsPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "holdfast.yaml")
	write(t, path, "nacos:\n  servers: [\"::bad\"]\ndefaults:\n  timeout:\n    call: 100ms\n    try: 1s\n")
	_, err := holdfast.Load(path)
	var fault *policy.Error
	if !errors.As(err, &fault) {
		t.Fatalf("%v is no *policy.Error", err)
	}
	for _, want := range []string{path + ":2:13: nacos.servers[0]: ", path + `:6:10: defaults.timeout.try: "1s": is above the whole call's, 100ms`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
	write(t, path, "nacos: {servers: ['n1:port', 'a b'], emptyGrace: -1s, recoveryGrace: -1s}\ndefaults: {timout: {}, retry: {max: -1}}\n")
	_, err = holdfast.Load(path)
	for _, want := range []string{"servers[0]", "servers[1]", "emptyGrace", "recoveryGrace", "defaults.timout", "retry.max"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
	if _, err := holdfast.Load(path + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestOpenRefusesWhatCannotBeMeant(t *testing.T) {
	servers := func(s ...string) holdfast.Config {
		return holdfast.Config{Nacos: holdfast.Nacos{Connection: registry.Connection{Servers: s}}}
	}
	login := servers("n1")
	login.Nacos.Password = "secret"
	tests := map[string]struct {
		cfg  holdfast.Config
		want string
	}{
		"no server":        {servers(), `nacos.servers: "": names no server address`},
		"blank":            {servers("n1", " "), `nacos.servers[1]: " ": is blank`},
		"port too high":    {servers("n1:65000"), `nacos.servers[0]: "n1:65000": port must be a number from 1 to 64535`},
		"no port number":   {servers("n1:http"), `nacos.servers[0]: "n1:http": is not host:port`},
		"several in one":   {servers("n1:8848,n2:8848"), `nacos.servers[0]: "n1:8848,n2:8848": is not`},
		"TLS":              {servers("https://n1:8848"), `https is not supported`},
		"bare IPv6":        {servers("fd00::7"), `an IPv6 address is written in brackets`},
		"password alone":   {login, `nacos.username: "": is blank, but there is a password`},
		"negative timeout": {holdfast.Config{Document: policy.Document{Defaults: policy.Policy{Method: policy.Method{Timeout: policy.Timeout{Call: -1}}}}}, `defaults.timeout.call: "-1ns": must not be negative`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			kit, err := holdfast.Open(tt.cfg)
			if err == nil {
				_ = kit.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("shows the password: %v", err)
			}
		})
	}
}

func TestCollaboratorsMayBeNil(t *testing.T) {
	kit := open(t, idempotent(), memory(t), holdfast.WithLogger(nil), holdfast.WithObserver(nil), holdfast.WithTracerProvider(nil), holdfast.WithMeterProvider(nil))
	call := client(t, kit, "Get", &callees{}, holdfast.Key(nil), holdfast.Default(nil), holdfast.Classify(nil))
	if _, err := call(t.Context(), "42"); !errors.Is(err, resolver.ErrNoInstance) {
		t.Error(err)
	}
}

func TestNamesInADocumentAreChecked(t *testing.T) {
	_, err := holdfast.Parse("holdfast.yaml", []byte("nacos: {group: \"my shop\"}\nservices:\n  \"or ders\": {}\n  \"\": {}\n  shop@@stock: {}\n"))
	for _, want := range []string{
		`holdfast.yaml:1:16: nacos.group: "my shop": has`, `holdfast.yaml:3:14: services.or ders: "or ders": has`, `services.: "": must not be blank`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "stock") {
		t.Errorf("refused a good name: %v", err)
	}
}

func TestNamesAndInstancesAreRefusedBeforeTheRegistrySeesThem(t *testing.T) {
	kit := open(t, idempotent(), memory(t))
	var c callees
	for _, name := range []string{"", "  ", "a b", "gro up@@orders", "@@orders", "g@@", "órders"} {
		_, clientErr := kit.Client(name, "Get", c.factory)
		registerErr := kit.Register(t.Context(), name, registry.Instance{Addr: addrs[0]})
		var fault *policy.Error
		if name == "@@orders" { // no group named: the default one
			continue
		}
		if !errors.As(clientErr, &fault) || !errors.As(registerErr, &fault) {
			t.Errorf("%q: client %v, register %v", name, clientErr, registerErr)
		}
	}
	for _, i := range []registry.Instance{{}, {Addr: "10.0.0.1"}, {Addr: ":80"}, {Addr: "0.0.0.0:80"}, {Addr: "h:0"}, {Addr: "h:70000"}, {Addr: "h:80", Weight: -1}} {
		err := kit.Register(t.Context(), "orders", i)
		var fault *policy.Error
		if !errors.As(err, &fault) {
			t.Errorf("%+v: %v", i, err)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
