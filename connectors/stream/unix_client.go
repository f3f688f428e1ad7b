package stream

import (
	"context"
	"errors"
	"net"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// UnixClientConfig is the configuration of unix_client.
type UnixClientConfig struct {
	Path setting.Path `hcl:"path" required:"true" doc:"the socket to connect to"`
	ClientCommon
}

// New implements flow.ConnectorConfig.
func (c *UnixClientConfig) New() (flow.Connector, error) {
	if err := errors.Join(checkPath(c.Path), c.check()); err != nil {
		return nil, err
	}
	return newClient(&c.ClientCommon, string(c.Path), c.dial), nil
}

func (c *UnixClientConfig) dial(ctx context.Context) (net.Conn, flow.Peer, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, "unix", string(c.Path))
	if err != nil {
		return nil, flow.Peer{}, err
	}
	return nc, flow.Peer{Path: string(c.Path), Claims: credentials(nc)}, nil
}
