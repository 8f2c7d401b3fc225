package nacostest

import (
	"cmp"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/util"
)

// configKey names a config. The default namespace is the empty one; "public" is another, as on Java servers of 2.x.
type configKey struct{ namespace, group, dataID string }

// newConfigKey fills in the defaults for people, who call the default namespace "public".
func newConfigKey(namespace, group, dataID string) configKey {
	if namespace == defaultNamespace {
		namespace = ""
	}
	return configKey{namespace, cmp.Or(group, defaultGroup), dataID}
}

type config struct {
	content      string
	md5          string
	contentType  string
	encryptedKey string
	modified     time.Time
}

// The cluster's lock is held for the following.

func (n *Node) setConfig(k configKey, content, contentType, encryptedKey string) {
	before, _ := n.configs.value(k)
	now := config{content: content, md5: util.Md5(content), contentType: contentType, encryptedKey: encryptedKey, modified: time.Now()}
	n.configs.put(k, now, n.cluster.nextRevision())
	if now.md5 != before.md5 {
		n.notifyConfig(k)
	}
	n.tellAll()
}

// removeConfig is also noted where the config is not known: it may be on its way.
func (n *Node) removeConfig(k configKey) {
	_, known := n.configs.value(k)
	n.configs.remove(k, n.cluster.nextRevision())
	if known {
		n.notifyConfig(k)
	}
	n.tellAll()
}

// notifyConfig tells the node's listeners that a config changed; they fetch it themselves.
func (n *Node) notifyConfig(k configKey) {
	if n.run == nil {
		return
	}
	for _, c := range n.run.connections {
		if _, ok := c.listens[k]; ok {
			req := rpc_request.NewConfigChangeNotifyRequest(k.group, k.dataID, k.namespace)
			req.Request = n.cluster.newRequest()
			c.send(encode(req.GetRequestType(), req))
		}
	}
}
