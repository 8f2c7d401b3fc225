package registry

import (
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/internal/field"
)

// KeeperConfig says what Keeper adds to a registry.
type KeeperConfig struct {
	Disk Disk `yaml:"disk,omitempty"`

	// EmptyGrace is the time for which an empty list does not wipe a service that had instances, unless they said
	// goodbye (were seen disabled or with weight 0 before they vanished). Default: 30s.
	EmptyGrace time.Duration `yaml:"emptyGrace,omitempty"`

	// RecoveryGrace is the time for which known instances stay that the servers' first lists leave out after an outage
	// of all of them. Default: 15s.
	RecoveryGrace time.Duration `yaml:"recoveryGrace,omitempty"`
}

// Disk says where the last known lists are kept.
type Disk struct {
	Disabled bool `yaml:"disabled,omitempty"`

	// Dir is made if it does not exist. Programs may share it if they use the same Nacos: a file is named after the
	// service alone. Default: DefaultDiskDir; of a Kit, a folder in it for each list of servers.
	Dir string `yaml:"dir,omitempty"`
}

// Validate returns every setting that cannot be meant, each as a *FieldError, joined; nil if there is none.
func (c KeeperConfig) Validate() error {
	var faults []error
	if c.EmptyGrace < 0 {
		faults = append(faults, field.New("nacos.emptyGrace", c.EmptyGrace, "must not be negative"))
	}
	if c.RecoveryGrace < 0 {
		faults = append(faults, field.New("nacos.recoveryGrace", c.RecoveryGrace, "must not be negative"))
	}
	return errors.Join(faults...)
}
