package holdfast

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/holdfast-go/holdfast/internal/document"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
)

// Config is everything that can be said in a document. The zero value of a field means its documented default.
type Config struct {
	Nacos           Nacos `yaml:"nacos"`
	policy.Document `yaml:",inline"`
}

// Nacos says how the registry is reached and what is kept of it.
type Nacos struct {
	registry.Connection   `yaml:",inline"`
	registry.KeeperConfig `yaml:",inline"`
}

// keeperConfig gives each Nacos a folder of its own, where none is named: lists of a test cluster must never reach a
// program that uses another. A registry that was handed in has no name by which to choose one.
func (n Nacos) keeperConfig(handedIn bool) registry.KeeperConfig {
	keeper := n.KeeperConfig
	switch {
	case keeper.Disk.Dir != "":
	case handedIn:
		keeper.Disk.Disabled = true
	default:
		servers := strings.Join(slices.Sorted(slices.Values(n.Servers)), ",")
		keeper.Disk.Dir = filepath.Join(registry.DefaultDiskDir(), fmt.Sprintf("%x", sha256.Sum256([]byte(servers)))[:12])
	}
	return keeper
}

// Load reads a YAML or JSON file and validates it. It reports all faults at once: each is a *policy.Error with file, line,
// column, field, value and reason.
func Load(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("holdfast: read configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse is Load for a document that has been read already; name stands for it in errors.
func Parse(name string, data []byte) (Config, error) {
	var cfg Config
	positions, err := document.Decode(name, data, &cfg)
	if err = errors.Join(err, positions.Locate(cfg.Validate())); err != nil {
		return Config{}, fmt.Errorf("holdfast: configuration refused: %w", err)
	}
	return cfg, nil
}

// Validate returns every value that cannot be meant, each as a *policy.Error, joined; nil if there is none. A document
// may leave the servers out, for a program that names them itself; Open requires them.
func (c Config) Validate() error {
	faults := []error{c.Nacos.Connection.Validate(), c.Nacos.KeeperConfig.Validate(), c.Document.Validate()}
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		if _, err := registry.ParseService(name, registry.Service{}); err != nil {
			faults = append(faults, refusedName(name, err))
		}
	}
	return errors.Join(faults...)
}

// refusedName says where in the document the name of a service was refused.
func refusedName(name string, err error) error {
	var fault *policy.Error
	if !errors.As(err, &fault) {
		return err
	}
	return &policy.Error{Path: "services." + name, Value: name, Reason: fault.Reason}
}
