// Package registry is what Holdfast asks of a service registry: the contract that an implementation keeps, the values
// that cross it, and Keeper, which adds to any implementation what must survive the registry itself.
package registry

import (
	"fmt"
	"strings"

	"github.com/holdfast-go/holdfast/internal/field"
)

// DefaultGroup and DefaultNamespace are what Nacos uses where none is named.
const (
	DefaultGroup     = "DEFAULT_GROUP"
	DefaultNamespace = "public"
)

const maxNameLength = 512

// What names may have besides letters and digits.
const (
	groupMarks     = "-_.:"
	namespaceMarks = "-_"
)

// FieldError is a refused value: it names the field, the value and the reason.
type FieldError = field.Error

// Service names a service. The zero Namespace and Group mean the defaults.
type Service struct {
	Namespace string
	Group     string
	Name      string
}

// ParseService reads "name" or "group@@name"; what it does not say comes from defaults.
func ParseService(s string, defaults Service) (Service, error) {
	group, name, found := strings.Cut(s, "@@")
	if !found {
		group, name = defaults.Group, s
	}
	service := Service{Namespace: defaults.Namespace, Group: group, Name: name}.WithDefaults()
	return service, service.Validate()
}

// WithDefaults names the default namespace and group where none is named.
func (s Service) WithDefaults() Service {
	if s.Namespace == "" {
		s.Namespace = DefaultNamespace
	}
	if s.Group == "" {
		s.Group = DefaultGroup
	}
	return s
}

// String is "name" in the default group, else "group@@name".
func (s Service) String() string {
	if s.Group == "" || s.Group == DefaultGroup {
		return s.Name
	}
	return s.Group + "@@" + s.Name
}

// Validate refuses a name that Nacos would refuse or, worse, misread. The error is a *FieldError.
func (s Service) Validate() error {
	if err := validName("service.name", s.Name, "-_.:/$#"); err != nil {
		return err
	}
	if err := validName("service.group", s.WithDefaults().Group, groupMarks); err != nil {
		return err
	}
	return validName("service.namespace", s.WithDefaults().Namespace, namespaceMarks)
}

// ConfigKey names a configuration document. The zero Namespace and Group mean the defaults.
type ConfigKey struct {
	Namespace string
	Group     string
	DataID    string
}

// WithDefaults names the default namespace and group where none is named.
func (k ConfigKey) WithDefaults() ConfigKey {
	if k.Namespace == "" {
		k.Namespace = DefaultNamespace
	}
	if k.Group == "" {
		k.Group = DefaultGroup
	}
	return k
}

// String is "group/dataID".
func (k ConfigKey) String() string { return k.WithDefaults().Group + "/" + k.DataID }

// Validate refuses a key that Nacos would refuse. The error is a *FieldError.
func (k ConfigKey) Validate() error {
	if err := validName("config.dataId", k.DataID, "-_.:"); err != nil {
		return err
	}
	if err := validName("config.group", k.WithDefaults().Group, groupMarks); err != nil {
		return err
	}
	return validName("config.namespace", k.WithDefaults().Namespace, namespaceMarks)
}

func validName(path, value, marks string) error {
	if strings.TrimSpace(value) == "" {
		return field.New(path, value, "must not be blank")
	}
	if len(value) > maxNameLength {
		return field.New(path, value[:32]+"…", fmt.Sprintf("must have at most %d characters", maxNameLength))
	}
	for _, r := range value {
		if !plain(r) && !strings.ContainsRune(marks, r) {
			return field.New(path, value, fmt.Sprintf("has %q; letters, digits and %s are allowed", r, marks))
		}
	}
	if strings.Contains(value, "@@") {
		return field.New(path, value, `must not contain "@@"`)
	}
	return nil
}

func plain(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }
