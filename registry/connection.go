package registry

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/internal/field"
)

// DefaultPort is the HTTP port of a Nacos server; its gRPC port is 1000 above.
const DefaultPort = 8848

// Connection says how Nacos is reached.
type Connection struct {
	// Servers are addresses "host", "host:port" or "http://host:port/context"; the port is the HTTP port. Required.
	Servers []string `yaml:"servers"`

	Namespace string `yaml:"namespace,omitempty"` // Default: public.
	Group     string `yaml:"group,omitempty"`     // Default: DEFAULT_GROUP.
	Username  string `yaml:"username,omitempty"`  // "": no login.
	Password  string `yaml:"password,omitempty"`

	// RequestTimeout bounds one request to a server when the caller's context does not. Default: 3s.
	RequestTimeout time.Duration `yaml:"requestTimeout,omitempty"`
}

// Server is one address of Connection.Servers, taken apart.
type Server struct {
	Host        string
	Port        uint16 // HTTP
	GRPCPort    uint16
	ContextPath string // "/nacos" unless named
}

// String is "host:port".
func (s Server) String() string { return net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port))) }

// WithDefaults fills in what is left at zero.
func (c Connection) WithDefaults() Connection {
	if c.Namespace == "" {
		c.Namespace = DefaultNamespace
	}
	if c.Group == "" {
		c.Group = DefaultGroup
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 3 * time.Second
	}
	return c
}

// Parse returns the servers. The error names every value that cannot be meant, each as a *FieldError, joined.
func (c Connection) Parse() ([]Server, error) {
	servers, err := c.parse()
	if len(servers) == 0 {
		err = errors.Join(field.New("nacos.servers", "", "names no server address"), err)
	}
	return servers, err
}

// Validate is Parse for a connection whose servers may still be missing.
func (c Connection) Validate() error {
	_, err := c.parse()
	return err
}

func (c Connection) parse() (servers []Server, err error) {
	var faults []error
	for i, address := range c.Servers {
		server, reason := parseServer(address)
		if reason != "" {
			faults = append(faults, field.New(fmt.Sprintf("nacos.servers[%d]", i), address, reason))
		}
		servers = append(servers, server)
	}
	if c.RequestTimeout < 0 {
		faults = append(faults, field.New("nacos.requestTimeout", c.RequestTimeout, "must not be negative"))
	}
	if c.Username == "" && c.Password != "" {
		faults = append(faults, field.New("nacos.username", c.Username, "is blank, but there is a password"))
	}
	full := c.WithDefaults()
	return servers, errors.Join(append(faults,
		validName("nacos.group", full.Group, groupMarks), validName("nacos.namespace", full.Namespace, namespaceMarks))...)
}

func parseServer(address string) (server Server, reason string) {
	if strings.TrimSpace(address) == "" {
		return server, "is blank"
	}
	if strings.TrimSpace(address) != address {
		return server, "has spaces around it"
	}
	if strings.ContainsAny(address, " ,;") {
		return server, "is not one host: list several servers as several entries"
	}
	if !strings.Contains(address, "://") {
		if strings.Count(address, ":") > 1 && !strings.HasPrefix(address, "[") {
			return server, "an IPv6 address is written in brackets, as in [fd00::7]:8848"
		}
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return server, "is not host:port"
	}
	switch {
	case u.Scheme == "https":
		return server, "https is not supported; Holdfast speaks to Nacos in plain text"
	case u.Scheme != "http":
		return server, fmt.Sprintf("scheme %q is not http", u.Scheme)
	case u.Hostname() == "":
		return server, "names no host"
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return server, "has more than host, port and context path"
	}
	port := uint64(DefaultPort)
	if p := u.Port(); p != "" {
		if port, err = strconv.ParseUint(p, 10, 16); err != nil || port == 0 {
			return server, "port must be a number from 1 to 64535"
		}
	}
	if port > 65535-1000 {
		return server, "port must be a number from 1 to 64535: the gRPC port is 1000 above"
	}
	path := strings.TrimRight(u.Path, "/")
	if path == "" {
		path = "/nacos"
	}
	return Server{Host: u.Hostname(), Port: uint16(port), GRPCPort: uint16(port) + 1000, ContextPath: path}, ""
}
