// Package stream is connections that carry bytes: TCP, by the connectors tcp_server
// and tcp_client, and sockets in the file system, by unix_server and unix_client.
//
// What a connection is, and how it is read, written and ended, is the package
// internal/socket. Here is what a connector makes of connections: a server holds
// many, which its listener accepts; a client holds one, made anew when it is lost,
// or one for each key.
//
// Where a message begins and ends is the first preprocessor's to know, lines when
// the flow names none.
package stream

import (
	"errors"
	"time"

	"github.com/flowrun/flowrun/connectors/stream/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Specs are the rows of this world in the table of connectors.
var Specs = []flow.Spec[flow.ConnectorConfig]{
	{
		Name:    "tcp_server",
		Summary: "listens for TCP clients",
		Doc:     serverDocOf("tcp_server", tcpServerDoc),
		Example: tcpServerExample,
		Config: func() flow.ConnectorConfig {
			limits := access.DefaultLimits()
			return &TCPServerConfig{
				Timeouts: defaultTimeouts(),
				Socket:   setting.DefaultSocketOptions(),
				Limits: TCPLimits{
					MaxConnections: limits.MaxConnections,
					IPv6Prefix:     limits.IPv6Prefix,
					MaxHandshakes:  10_000,
				},
				Queue: serverQueue(),
			}
		},
	},
	{
		Name:    "tcp_client",
		Summary: "connects to a TCP server",
		Doc:     tcpClientDoc,
		Example: tcpClientExample,
		Config: func() flow.ConnectorConfig {
			return &TCPClientConfig{
				ClientCommon: ClientCommon{Timeouts: defaultTimeouts(), Queue: setting.DefaultClientQueue()},
				Socket:       setting.DefaultSocketOptions(),
			}
		},
	},
	{
		Name:    "unix_server",
		Summary: "listens for clients at a socket in the file system",
		Doc:     serverDocOf("unix_server", unixServerDoc),
		Example: unixServerExample,
		Config: func() flow.ConnectorConfig {
			return &UnixServerConfig{
				Mode:         "0660",
				CloseTimeout: setting.Duration(defaultClose),
				Limits:       UnixLimits{MaxConnections: access.DefaultLimits().MaxConnections},
				Queue:        serverQueue(),
			}
		},
	},
	{
		Name:    "unix_client",
		Summary: "connects to a server at a socket in the file system",
		Doc:     unixClientDoc,
		Example: unixClientExample,
		Config: func() flow.ConnectorConfig {
			return &UnixClientConfig{ClientCommon: ClientCommon{Timeouts: defaultTimeouts(), Queue: setting.DefaultClientQueue()}}
		},
	},
}

// Timeouts are those of connections.
type Timeouts struct {
	ConnectTimeout setting.Duration `hcl:"connect_timeout" min:"1ms" doc:"time to connect, and for the TLS handshake"`
	CloseTimeout   setting.Duration `hcl:"close_timeout" doc:"how long to wait for the peer to end when this side has, and meanwhile to deliver what it sends"`
}

const (
	defaultConnect = 10 * time.Second
	defaultClose   = 500 * time.Millisecond
	defaultBurst   = 2 * time.Second
)

func defaultTimeouts() Timeouts {
	return Timeouts{ConnectTimeout: setting.Duration(defaultConnect), CloseTimeout: setting.Duration(defaultClose)}
}

func serverQueue() setting.Queue {
	return setting.Queue{MaxEvents: 256, MaxBytes: 1 << 20, Overflow: "disconnect", WriteTimeout: setting.Duration(10 * time.Second)}
}

// Rates are the limits of what a client sends.
type Rates struct {
	BytesPerSecond setting.Size     `hcl:"bytes_per_second" min:"1B" doc:"how fast a client is read: one that sends more is held back, and loses nothing. No limit when not given"`
	Burst          setting.Duration `hcl:"burst" min:"1ms" doc:"what bytes_per_second allows in so long a time may come at once; 2s when not given"`
}

func (r *Rates) rate() socket.Rate {
	burst := time.Duration(r.Burst)
	if burst == 0 {
		burst = defaultBurst
	}
	return socket.Rate{Bytes: int64(r.BytesPerSecond), Burst: burst}
}

// checkWrote returns what checks that which a flow writes into meta.<name>.
func checkWrote(name string) func(flow.Value) error {
	return func(v flow.Value) error {
		if c, ok := v.Object().Get("close"); ok && !c.IsNull() {
			if err := socket.Check(c); err != nil {
				return errors.New("meta." + name + ".close: " + err.Error())
			}
		}
		return nil
	}
}
