package registry_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
)

func TestParseService(t *testing.T) {
	defaults := registry.Service{Namespace: "shop", Group: "team"}
	for text, want := range map[string]registry.Service{
		"orders":          {Namespace: "shop", Group: "team", Name: "orders"},
		"other@@orders":   {Namespace: "shop", Group: "other", Name: "orders"},
		"@@orders":        {Namespace: "shop", Group: registry.DefaultGroup, Name: "orders"},
		"com.shop:v1/a-b": {Namespace: "shop", Group: "team", Name: "com.shop:v1/a-b"},
	} {
		if got, err := registry.ParseService(text, defaults); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
	got, err := registry.ParseService("orders", registry.Service{})
	if err != nil || got != orders {
		t.Errorf("without defaults: %+v, %v, want %+v", got, err, orders)
	}
	for _, text := range []string{"", "  ", "a@@b@@c", "a@@", "größe", "a b"} {
		if got, err := registry.ParseService(text, defaults); err == nil {
			t.Errorf("%q is accepted as %+v", text, got)
		}
	}
}

func TestServiceString(t *testing.T) {
	for want, service := range map[string]registry.Service{
		"orders":       {Group: registry.DefaultGroup, Name: "orders"},
		"payments":     {Name: "payments"},
		"team@@orders": {Group: "team", Name: "orders"},
	} {
		if got := service.String(); got != want {
			t.Errorf("%+v is %q, want %q", service, got, want)
		}
	}
}

func TestRefusedNamesSayWhy(t *testing.T) {
	long := strings.Repeat("x", 600)
	for _, c := range []struct {
		err   error
		path  string
		value string
	}{
		{registry.Service{Name: " "}.Validate(), "service.name", " "},
		{registry.Service{Name: long}.Validate(), "service.name", long[:32] + "…"},
		{registry.Service{Name: "a", Group: "b/c"}.Validate(), "service.group", "b/c"},
		{registry.Service{Name: "a", Namespace: "b.c"}.Validate(), "service.namespace", "b.c"},
		{registry.ConfigKey{}.Validate(), "config.dataId", ""},
		{registry.ConfigKey{DataID: "a", Group: "b c"}.Validate(), "config.group", "b c"},
		{registry.ConfigKey{DataID: "a", Namespace: "b c"}.Validate(), "config.namespace", "b c"},
	} {
		var refusal *registry.FieldError
		if !errors.As(c.err, &refusal) || refusal.Path != c.path || refusal.Value != c.value || refusal.Reason == "" {
			t.Errorf("got %v, want %s with %q refused", c.err, c.path, c.value)
		}
	}
}
