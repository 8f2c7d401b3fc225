package main

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/policy"
)

const (
	service = "orders"
	method  = "Get"
)

//go:embed quickstart.yaml
var document []byte

// parts can be taken out, to see what each of them is for.
var parts = map[string]func(*holdfast.Config){
	"retry":    func(c *holdfast.Config) { c.Defaults.Retry.Disabled = policy.True },
	"fallback": func(c *holdfast.Config) { c.Defaults.Fallback.Disabled = policy.True },
	"snapshot": func(c *holdfast.Config) { c.Nacos.Disk.Disabled = true },
	"breaker":  func(c *holdfast.Config) { c.Defaults.Breaker.Disabled = policy.True },
	"ejection": func(c *holdfast.Config) { c.Defaults.Ejection.Disabled = policy.True },
}

// loadPolicy returns the configuration beside this file without the parts that the comma list names.
func loadPolicy(without string) (holdfast.Config, error) {
	cfg, err := holdfast.Parse("quickstart.yaml", document)
	if err != nil || without == "" {
		return cfg, err
	}
	for name := range strings.SplitSeq(without, ",") {
		takeOut, ok := parts[strings.TrimSpace(name)]
		if !ok {
			return cfg, fmt.Errorf("-without %q: there is no such part; there are %s",
				name, strings.Join(slices.Sorted(maps.Keys(parts)), ", "))
		}
		takeOut(&cfg)
	}
	return cfg, nil
}
