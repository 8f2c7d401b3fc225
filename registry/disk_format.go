package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A file is one header line, "holdfast-list VERSION SHA256-OF-THE-REST", and a JSON document.
const (
	diskMagic   = "holdfast-list"
	diskVersion = "1"
)

var errDamaged = errors.New("registry: damaged list file")

type diskList struct {
	Namespace string         `json:"namespace"`
	Group     string         `json:"group"`
	Name      string         `json:"name"`
	At        time.Time      `json:"at"`
	Node      string         `json:"node,omitempty"`
	Instances []diskInstance `json:"instances"`
}

// diskInstance is an Instance with names that stay when Go's change.
type diskInstance struct {
	Addr       string            `json:"addr"`
	Cluster    string            `json:"cluster,omitempty"`
	Weight     float64           `json:"weight"`
	Disabled   bool              `json:"disabled,omitempty"`
	Unhealthy  bool              `json:"unhealthy,omitempty"`
	Persistent bool              `json:"persistent,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`

	Unconfirmed bool `json:"-"` // lists are not stored while it matters
}

func encodeSnapshot(s Snapshot) ([]byte, error) {
	list := diskList{
		Namespace: s.Service.Namespace, Group: s.Service.Group, Name: s.Service.Name,
		At: s.At, Node: s.Node, Instances: make([]diskInstance, 0, len(s.Instances)),
	}
	for _, i := range s.Instances {
		list.Instances = append(list.Instances, diskInstance(i))
	}
	body, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("registry: list of %s: %w", s.Service, err)
	}
	header := strings.Join([]string{diskMagic, diskVersion, checksum(body)}, " ")
	return append(append([]byte(header), '\n'), body...), nil
}

// decodeSnapshot reads a file that must hold a list of s.
func decodeSnapshot(data []byte, s Service) (Snapshot, error) {
	header, body, found := bytes.Cut(data, []byte{'\n'})
	words := strings.Split(string(header), " ")
	switch {
	case !found || len(words) != 3 || words[0] != diskMagic:
		return Snapshot{}, fmt.Errorf("%w: no header", errDamaged)
	case words[1] != diskVersion:
		return Snapshot{}, fmt.Errorf("registry: list file of version %.8q; this program reads %s", words[1], diskVersion)
	case words[2] != checksum(body):
		return Snapshot{}, fmt.Errorf("%w: checksum", errDamaged)
	}
	var list diskList
	if err := json.Unmarshal(body, &list); err != nil {
		return Snapshot{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if of := (Service{Namespace: list.Namespace, Group: list.Group, Name: list.Name}); of != s {
		return Snapshot{}, fmt.Errorf("%w: it is of %s in namespace %s", errDamaged, of, of.Namespace)
	}
	snapshot := Snapshot{Service: s, Source: SourceDisk, At: list.At, Node: list.Node}
	for _, i := range list.Instances {
		snapshot.Instances = append(snapshot.Instances, Instance(i))
	}
	snapshot.Instances = Normalize(snapshot.Instances)
	return snapshot, nil
}

func checksum(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
