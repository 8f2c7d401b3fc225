package policy

import "strconv"

// Bool is a switch that can also be left unset, so that a method can take back what its service says.
type Bool uint8

// The values of a Bool. Unset means what the field's documentation says, and inherits from the level above.
const (
	Unset Bool = iota
	False
	True
)

// On reports whether b is True.
func (b Bool) On() bool { return b == True }

// UnmarshalYAML reads true or false.
func (b *Bool) UnmarshalYAML(unmarshal func(any) error) error {
	var v bool
	if err := unmarshal(&v); err != nil {
		return err
	}
	*b = False
	if v {
		*b = True
	}
	return nil
}

// MarshalYAML writes true or false, and null for Unset.
func (b Bool) MarshalYAML() (any, error) {
	if b == Unset {
		return nil, nil //nolint:nilnil // null is the YAML for "not set"
	}
	return b.On(), nil
}

func (b Bool) String() string {
	if b == Unset {
		return "unset"
	}
	return strconv.FormatBool(b.On())
}
