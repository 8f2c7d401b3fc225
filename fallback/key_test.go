package fallback_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-go/holdfast/fallback"
	"github.com/holdfast-go/holdfast/policy"
)

func TestKeysOfDifferentPartsDiffer(t *testing.T) {
	for _, c := range [][2][]string{
		{{"a|b", "c"}, {"a", "b|c"}},
		{{"a"}, {"a", ""}},
		{{""}, {"", ""}},
		{{"1:a"}, {"a"}},
		{{"a1:b"}, {"a", "b"}},
		{{"a", "1:b"}, {"a1", "b"}},
		{{"\x00"}, {"\x00", "\x00"}},
	} {
		if a, b := fallback.Key(c[0]...), fallback.Key(c[1]...); a == b {
			t.Errorf("%q and %q share %q", c[0], c[1], a)
		}
	}
	if fallback.Key() != "" {
		t.Error("no parts must give no key")
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.StringOf(rapid.RuneFrom([]rune("01:|a"))))
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		if (fallback.Key(a...) == fallback.Key(b...)) != slices.Equal(a, b) {
			t.Fatalf("%q and %q give %q and %q", a, b, fallback.Key(a...), fallback.Key(b...))
		}
	})
}

func TestKeyAllocatesOnce(t *testing.T) {
	tenant, order := "a tenant with a name that is rather long", "order 4711"
	if n := testing.AllocsPerRun(100, func() { sink = fallback.Key(tenant, order) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

var sink string

type tenant struct{}

// Tenants whose names and order ids run into each other when they are joined carelessly.
func TestTenantsNeverShareAnEntry(t *testing.T) {
	key := func(ctx context.Context, request any) (string, bool) {
		name, ok := ctx.Value(tenant{}).(string)
		id, isID := request.(string)
		return fallback.Key(name, id), ok && isID
	}
	up := true
	f := open(t, policy.Fallback{}, fallback.WithKey(key))
	get := f.Middleware()(func(ctx context.Context, request any) (any, error) {
		if !up {
			return nil, errDown
		}
		return [2]any{ctx.Value(tenant{}), request}, nil
	})
	asked := [][2]string{{"a|b", "c"}, {"a", "b|c"}, {"a", "1:b"}, {"a1", "b"}, {"", "ab"}, {"ab", ""}, {"a", "b"}, {"b", "a"}}
	for _, healthy := range []bool{true, false} {
		up = healthy
		for _, a := range asked {
			_, response, err := ask(context.WithValue(t.Context(), tenant{}, a[0]), get, a[1])
			wantAnswer(t, response, err, [2]any{a[0], a[1]})
		}
	}
	if _, _, err := ask(context.WithValue(t.Context(), tenant{}, "another"), get, "b"); !errors.Is(err, errDown) {
		t.Errorf("a tenant who never asked: %v", err)
	}
	if _, _, err := ask(t.Context(), get, "b"); !errors.Is(err, errDown) {
		t.Errorf("no tenant: %v", err)
	}
}
