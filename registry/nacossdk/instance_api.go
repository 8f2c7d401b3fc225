package nacossdk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"
	"github.com/nacos-group/nacos-sdk-go/v2/util"
)

// send registers or deregisters a persistent instance, or changes the metadata of any, through the servers' HTTP
// interface: servers before 2.3 have no other for that. The SDK could do it, but it tries one server three times and logs
// its token.
func (n *naming) send(method string, s registry.Service, i registry.Instance) error {
	host, port, err := i.HostPort()
	if err != nil {
		return err
	}
	m := toModel(s, i)
	params := map[string]string{
		"namespaceId": s.Namespace, "groupName": s.Group, "serviceName": util.GetGroupName(s.Name, s.Group),
		"clusterName": i.Cluster, "ip": host, "port": strconv.Itoa(int(port)), "ephemeral": strconv.FormatBool(m.Ephemeral),
	}
	if method != http.MethodDelete {
		params["metadata"] = util.ToJsonString(m.Metadata)
	}
	if method == http.MethodPost {
		params["weight"] = strconv.FormatFloat(m.Weight, 'f', -1, 64)
		params["enable"], params["enabled"] = "true", "true"
		params["healthy"] = strconv.FormatBool(m.Healthy)
	}
	_, err = n.link.authorised(n.link.ctx, n.link.beside, func(c *sdkClient) (rpc_response.IResponse, error) {
		c.server.Load().InjectSecurityInfo(params, security.BuildNamingResource(s.Namespace, s.Group, s.Name))
		return nil, n.link.ask(c, method, params)
	})
	return err
}

// beside does what needs the login of a connection, but not the connection itself, while the worker goes on.
func (k *link) beside(ctx context.Context, do errand) (rpc_response.IResponse, error) {
	waiting, cancel := bounded(ctx, k.conn.RequestTimeout)
	defer cancel()
	if err := k.await(waiting); err != nil {
		return nil, err
	}
	k.mu.Lock()
	c := k.client
	k.mu.Unlock()
	return do(c)
}

// ask tries the servers one after the other until one answers. Together they have the time of one request.
func (k *link) ask(c *sdkClient, method string, params map[string]string) error {
	header := http.Header{
		"Content-Type":   {"application/x-www-form-urlencoded;charset=utf-8"},
		"User-Agent":     {constant.CLIENT_VERSION},
		"Client-Version": {constant.CLIENT_VERSION},
		"Request-Module": {"Naming"},
	}
	end := time.Now().Add(k.conn.RequestTimeout)
	var faults []error
	for tried, i := range rand.Perm(len(k.servers)) {
		server := k.servers[i]
		ctx, cancel := context.WithTimeout(k.ctx, time.Until(end)/time.Duration(len(k.servers)-tried))
		at := "http://" + server.String() + server.ContextPath + constant.SERVICE_PATH
		status, text, err := c.http.exchange(ctx, method, at, header, params)
		cancel()
		switch {
		case k.ctx.Err() != nil:
			return registry.ErrClosed
		case err != nil:
			faults = append(faults, fmt.Errorf("%s: %w", server, err))
		case status == http.StatusOK:
			return nil
		case status < http.StatusInternalServerError:
			return newAnswerError(status, string(text))
		default:
			faults = append(faults, fmt.Errorf("%s answers %d: %s", server, status, shorten(string(text))))
		}
	}
	return fmt.Errorf("nacossdk: %w: %w", registry.ErrUnavailable, joined(faults))
}
