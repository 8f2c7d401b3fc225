package document

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/field"
)

type sample struct {
	Common `yaml:",inline"`
	Wait   time.Duration    `yaml:"wait,omitempty"`
	Names  []string         `yaml:"names"`
	Parts  map[string]*part `yaml:"-"`
	Items  map[string]part  `yaml:"items"`
	Ratio  float64          `yaml:"ratio"`
}

type Common struct {
	Title string `yaml:"title"`
}

type part struct {
	Count int  `yaml:"count"`
	On    bool `yaml:"on"`
}

func TestDecode(t *testing.T) {
	const yaml = `
title: one
wait: 250ms
names: [a, b]
ratio: 1.5
items:
  x: {count: 3, on: true}
  y:
`
	for name, data := range map[string]string{
		"YAML": yaml,
		"JSON": `{"title":"one","wait":"250ms","names":["a","b"],"ratio":1.5,"items":{"x":{"count":3,"on":true},"y":null}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var s sample
			if _, err := Decode("f", []byte(data), &s); err != nil {
				t.Fatal(err)
			}
			if s.Title != "one" || s.Wait != 250*time.Millisecond || len(s.Names) != 2 || s.Ratio != 1.5 || s.Items["x"] != (part{3, true}) || len(s.Items) != 2 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestDecodeSaysWhereEachFaultStands(t *testing.T) {
	const data = `titel: one
wait: 250
names: a
items:
  x:
    count: many
    off: true
  x: {}
  y: {count: 0}
  z: {count: 00x}
  w: {count: 1.5}
ratio: {a: 1}
`
	var s sample
	_, err := Decode("f.yaml", []byte(data), &s)
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{
		`f.yaml:1:1: titel: "titel": is not a known field; did you mean "title"?`,
		`f.yaml:2:7: wait: "250": is not a duration with its unit, such as 250ms or 5s`,
		`f.yaml:3:8: names: "a": is not a list`,
		`f.yaml:6:12: items.x.count: "many": is not a whole number`,
		`f.yaml:7:5: items.x.off: "off": is not a known field; known are count, on`,
		`f.yaml:8:3: items.x: "x": is given twice`,
		`f.yaml:9:14: items.y.count: "0": is no setting: leave it out for the default, or switch the part off with disabled: true`,
		`f.yaml:10:14: items.z.count: "00x": is not a whole number`,
		`f.yaml:11:14: items.w.count: "1.5": is not a whole number`,
		`f.yaml:12:8: ratio: "{…}": is not a number`,
	}
	if got := strings.Split(err.Error(), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%v\nwant\n%v", err, strings.Join(want, "\n"))
	}
}

func TestDecodeRefusesWhatIsNoDocument(t *testing.T) {
	for _, data := range []string{"\t:", "[1, 2", "just text", "- a\n- b", "title: one\n---\ntitle: two"} {
		var s sample
		_, err := Decode("f", []byte(data), &s)
		var fault *field.Error
		if !errors.As(err, &fault) {
			t.Errorf("%q: got %v, want a *field.Error", data, err)
		}
	}
	var s sample
	const want = `f:2:1: document: "": found`
	if _, err := Decode("f", []byte("title: one\n\tnames: [a]\n"), &s); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestLocateFindsTheNearestPath(t *testing.T) {
	var s sample
	positions, err := Decode("f", []byte("items:\n  x:\n    count: 3\n"), &s)
	if err != nil {
		t.Fatal(err)
	}
	err = positions.Locate(errors.Join(
		field.New("items.x.count", 3, "is odd"),
		field.New("items.x.on", false, "is off"),
		errors.New("another"),
	))
	want := "f:3:12: items.x.count: \"3\": is odd\nf:3:5: items.x.on: \"false\": is off\nanother"
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%v", err, want)
	}
	if positions.Locate(nil) != nil {
		t.Error("nothing was located")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("title: one\nitems: {x: {count: 3}}")
	f.Add("a: &a [*a]")
	f.Add("items: &x {y: *x}")
	f.Fuzz(func(t *testing.T, data string) {
		var s sample
		_, err := Decode("f", []byte(data), &s)
		if err != nil && !strings.Contains(err.Error(), "f:") {
			t.Errorf("fault without its place: %v", err)
		}
	})
}
