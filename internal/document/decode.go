// Package document reads a YAML (or JSON) document into a struct and says of each fault where it stands.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/holdfast-go/holdfast/internal/field"
)

// Positions remembers where each path of a document stands.
type Positions struct {
	file  string
	nodes map[string]*yaml.Node
}

// Decode reads data into v, a pointer to a struct whose fields carry yaml tags. All faults are reported together: each
// is a *field.Error, joined.
func Decode(file string, data []byte, v any) (*Positions, error) {
	d := &decoder{Positions: Positions{file: file, nodes: map[string]*yaml.Node{}}}
	var doc, second yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(data))
	if err := documents.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return &d.Positions, d.unreadable(err)
	}
	switch err := documents.Decode(&second); {
	case err == nil:
		d.refuse(&second, "document", "is a second one in the same file")
		return &d.Positions, d.faults[0]
	case !errors.Is(err, io.EOF):
		return &d.Positions, d.unreadable(err)
	}
	if len(doc.Content) > 0 {
		d.value(doc.Content[0], "", reflect.ValueOf(v).Elem())
	}
	return &d.Positions, errors.Join(d.faults...)
}

// Locate adds file, line and column to each *field.Error in err.
func (p *Positions) Locate(err error) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var located []error
		for _, e := range joined.Unwrap() {
			located = append(located, p.Locate(e))
		}
		return errors.Join(located...)
	}
	var fault *field.Error
	if !errors.As(err, &fault) {
		return err
	}
	located := *fault
	located.File = p.file
	if node := p.nearest(fault.Path); node != nil {
		located.Line, located.Column = node.Line, node.Column
	}
	return &located
}

func (p *Positions) nearest(path string) *yaml.Node {
	for path != "" {
		if node, ok := p.nodes[path]; ok {
			return node
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return nil
}

// zero would silently mean the default.
const zero = "is no setting: leave it out for the default, or switch the part off with disabled: true"

type decoder struct {
	Positions
	faults []error
}

// unreadable is a fault of the syntax. The parser says the line in its text only, and no column.
func (d *decoder) unreadable(err error) error {
	fault := &field.Error{File: d.file, Path: "document", Reason: strings.TrimPrefix(err.Error(), "yaml: ")}
	if _, scanErr := fmt.Sscanf(fault.Reason, "line %d:", &fault.Line); scanErr == nil {
		_, fault.Reason, _ = strings.Cut(fault.Reason, ": ")
		fault.Column = 1
	}
	return fault
}

func (d *decoder) refuse(node *yaml.Node, path, reason string) {
	value := node.Value
	if node.Kind != yaml.ScalarNode {
		value = kindName(node)
	}
	d.faults = append(d.faults, &field.Error{
		File: d.file, Line: node.Line, Column: node.Column, Path: path, Value: value, Reason: reason,
	})
}

func (d *decoder) value(node *yaml.Node, path string, into reflect.Value) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	d.nodes[path] = node
	if node.Tag == "!!null" {
		return
	}
	if into.Type() == reflect.TypeFor[time.Duration]() {
		d.duration(node, path, into)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.mapping(node, path, into, d.structField)
	case reflect.Map:
		into.Set(reflect.MakeMap(into.Type()))
		d.mapping(node, path, into, d.mapEntry)
	case reflect.Slice:
		d.list(node, path, into)
	default:
		cut := into.CanInt() && node.ShortTag() == "!!float" // which would be taken for the whole number below
		if err := node.Decode(into.Addr().Interface()); err != nil || cut {
			d.refuse(node, path, "is not "+wanted(into.Type()))
		} else if (into.CanInt() || into.CanFloat()) && into.IsZero() {
			d.refuse(node, path, zero)
		}
	}
}

func (d *decoder) duration(node *yaml.Node, path string, into reflect.Value) {
	parsed, err := time.ParseDuration(node.Value)
	if err != nil {
		d.refuse(node, path, "is not a duration with its unit, such as 250ms or 5s")
		return
	}
	if parsed == 0 {
		d.refuse(node, path, zero)
	}
	into.SetInt(int64(parsed))
}

func (d *decoder) list(node *yaml.Node, path string, into reflect.Value) {
	if node.Kind != yaml.SequenceNode {
		d.refuse(node, path, "is not a list")
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content)))
	for i, item := range node.Content {
		d.value(item, fmt.Sprintf("%s[%d]", path, i), into.Index(i))
	}
}

type entry func(key, value *yaml.Node, path string, into reflect.Value)

func (d *decoder) mapping(node *yaml.Node, path string, into reflect.Value, each entry) {
	if node.Kind != yaml.MappingNode {
		d.refuse(node, path, "is not a map of names to values")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		at := join(path, key.Value)
		if seen[key.Value] {
			d.refuse(key, at, "is given twice")
			continue
		}
		seen[key.Value] = true
		each(key, value, at, into)
	}
}

func (d *decoder) structField(key, value *yaml.Node, path string, into reflect.Value) {
	known := map[string]reflect.Value{}
	collect(into, known)
	target, ok := known[key.Value]
	if !ok {
		d.refuse(key, path, "is not a known field"+suggestion(key.Value, known))
		return
	}
	d.value(value, path, target)
}

func (d *decoder) mapEntry(key, value *yaml.Node, path string, into reflect.Value) {
	element := reflect.New(into.Type().Elem()).Elem()
	d.value(value, path, element)
	into.SetMapIndex(reflect.ValueOf(key.Value), element)
}

func collect(v reflect.Value, known map[string]reflect.Value) {
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline"):
			collect(v.Field(i), known)
		case name != "" && name != "-":
			known[name] = v.Field(i)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	default:
		return "true or false"
	}
}

func kindName(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "{…}"
	case yaml.SequenceNode:
		return "[…]"
	default:
		return node.Value
	}
}
