package nacostest

import (
	"cmp"
	"maps"
)

// Publish stores a config as somebody at the console would, on the first node that is up. An empty namespace and group
// are the default ones. It reports whether there was a node.
func (c *Cluster) Publish(namespace, group, dataID, content string) bool {
	return c.onConsole(func(n *Node) { n.setConfig(newConfigKey(namespace, group, dataID), content, "text", "") })
}

// Remove removes a config as somebody at the console would. It reports whether there was a node that is up.
func (c *Cluster) Remove(namespace, group, dataID string) bool {
	return c.onConsole(func(n *Node) { n.removeConfig(newConfigKey(namespace, group, dataID)) })
}

// SetInstance changes an instance as somebody at the console would: weight, enabled and metadata as given override
// what its client registers, from now on and when it registers again. The instance is found by IP, Port and Cluster; it
// need not be there yet. Weights are from 0 to 10,000: one outside is taken for the nearest, NaN for 0. It reports
// whether there was a node that is up.
func (c *Cluster) SetInstance(namespace, group, service string, i Instance) bool {
	return c.onConsole(func(n *Node) {
		i.Cluster, i.Weight = cmp.Or(i.Cluster, defaultCluster), legalWeight(i.Weight)
		n.edit(newServiceKey(namespace, group, service), i)
	})
}

func (n *Node) edit(key serviceKey, i Instance) {
	n.setEdit(key.instance(i), edit{weight: i.Weight, enabled: i.Enabled, metadata: maps.Clone(i.Metadata)})
}

func (c *Cluster) onConsole(do func(*Node)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		if n.run != nil && !n.hung {
			do(n)
			return true
		}
	}
	return false
}
