package policy

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestBoolKeepsUnsetApart(t *testing.T) {
	for text, want := range map[string]Bool{"{}": Unset, "disabled: false": False, "disabled: true": True} {
		var r Retry
		if err := yaml.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if r.Disabled != want {
			t.Errorf("%s: got %s, want %s", text, r.Disabled, want)
		}
		written, err := yaml.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again Retry
		if err := yaml.Unmarshal(written, &again); err != nil || again.Disabled != want {
			t.Errorf("%s written as %q: got %s, %v", want, written, again.Disabled, err)
		}
	}
	var r Retry
	if err := yaml.Unmarshal([]byte("disabled: perhaps"), &r); err == nil {
		t.Error("accepted what is neither true nor false")
	}
}
