// Package field describes a refused configuration value: which field, which value, why, and where it stands.
package field

import (
	"fmt"
	"strings"
)

// Error is one refused configuration value. Line and Column are 0 when the value did not come from a document.
type Error struct {
	File   string
	Line   int
	Column int
	Path   string // as written in a document: "services.orders.timeout.try"
	Value  string
	Reason string
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", e.Line, e.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	fmt.Fprintf(&b, "%s: %q: %s", e.Path, e.Value, e.Reason)
	return b.String()
}

// New refuses value at path.
func New(path string, value any, reason string) *Error {
	return &Error{Path: path, Value: fmt.Sprint(value), Reason: reason}
}
