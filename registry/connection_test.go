package registry_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/registry"
)

func TestServersAreParsed(t *testing.T) {
	for address, want := range map[string]registry.Server{
		"nacos":                       {Host: "nacos", Port: 8848, GRPCPort: 9848, ContextPath: "/nacos"},
		"10.0.0.1:18848":              {Host: "10.0.0.1", Port: 18848, GRPCPort: 19848, ContextPath: "/nacos"},
		"[fd00::7]:8848":              {Host: "fd00::7", Port: 8848, GRPCPort: 9848, ContextPath: "/nacos"},
		"http://nacos:8848/registry/": {Host: "nacos", Port: 8848, GRPCPort: 9848, ContextPath: "/registry"},
	} {
		got, err := registry.Connection{Servers: []string{address}}.Parse()
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%q: %+v, %v, want %+v", address, got, err, want)
		}
	}
}

func TestRefusedConnectionsSayWhy(t *testing.T) {
	servers := func(addresses ...string) registry.Connection { return registry.Connection{Servers: addresses} }
	for _, c := range []struct {
		connection registry.Connection
		path       string
	}{
		{servers(), "nacos.servers"},
		{servers("a", ""), "nacos.servers[1]"},
		{servers(" a"), "nacos.servers[0]"},
		{servers("a:0"), "nacos.servers[0]"},
		{servers("a:64536"), "nacos.servers[0]"},
		{servers("a:http"), "nacos.servers[0]"},
		{servers("a,b"), "nacos.servers[0]"},
		{servers("fd00::7"), "nacos.servers[0]"},
		{servers("https://a"), "nacos.servers[0]"},
		{servers("ftp://a"), "nacos.servers[0]"},
		{servers("http://"), "nacos.servers[0]"},
		{servers("http://a?b"), "nacos.servers[0]"},
		{servers("http://user:secret@a"), "nacos.servers[0]"},
		{registry.Connection{Servers: []string{"a"}, RequestTimeout: -time.Second}, "nacos.requestTimeout"},
		{registry.Connection{Servers: []string{"a"}, Password: "secret"}, "nacos.username"},
		{registry.Connection{Servers: []string{"a"}, Group: "my group"}, "nacos.group"},
		{registry.Connection{Servers: []string{"a"}, Namespace: "täst"}, "nacos.namespace"},
	} {
		_, err := c.connection.Parse()
		var refusal *registry.FieldError
		if !errors.As(err, &refusal) || refusal.Path != c.path || refusal.Reason == "" {
			t.Errorf("%+v: %v, want %s refused", c.connection, err, c.path)
		}
	}
}

func TestAllFaultsOfAConnectionAreNamed(t *testing.T) {
	_, err := registry.Connection{Servers: []string{"a b", "c", "d:0"}, Group: " ", RequestTimeout: -1, Password: "secret"}.Parse()
	for _, path := range []string{"nacos.servers[0]", "nacos.servers[2]", "nacos.group", "nacos.requestTimeout", "nacos.username"} {
		if err == nil || !strings.Contains(err.Error(), path+": ") {
			t.Errorf("%s is not named in %v", path, err)
		}
	}
}

func TestConnectionDefaults(t *testing.T) {
	got := registry.Connection{}.WithDefaults()
	if got.Namespace != "public" || got.Group != "DEFAULT_GROUP" || got.RequestTimeout != 3*time.Second {
		t.Errorf("got %+v", got)
	}
}
