package stream

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/connectors/stream/internal/socket"
	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// UnixServerConfig is the configuration of unix_server.
type UnixServerConfig struct {
	Path         setting.Path     `hcl:"path" required:"true" doc:"the socket, 107 bytes at most. One that nobody serves any more is replaced, and it is removed at the end"`
	Mode         string           `hcl:"mode" doc:"who may connect, as chmod has it: who may write"`
	Backlog      int              `hcl:"backlog" min:"0" doc:"connections that may wait to be accepted; 0 for the system's default"`
	Queue        setting.Queue    `hcl:"queue" doc:"what waits for a client that is not ready to take it. A client's replies to its own messages hold back its own reading instead"`
	Idle         setting.Duration `hcl:"idle_timeout" min:"10ms" doc:"ends a connection on which no byte has passed in either direction for so long. For ever when not given"`
	CloseTimeout setting.Duration `hcl:"close_timeout" doc:"how long to wait for the peer to end when this side has, and meanwhile to deliver what it sends"`
	Limits       UnixLimits       `hcl:"limits" doc:"how much there may be: of connections, and of what each sends"`
	Topics       *flow.Topics     `hcl:"topics" doc:"lets clients subscribe to what an edge with deliver = \"topic\" delivers"`
	Session      *flow.Sessions   `hcl:"sessions" doc:"says whose connection each is, for an edge with deliver = \"identity\", and how many one may have"`
	Life         bool             `hcl:"lifecycle_events" doc:"the opening and the end of each connection leave by out as events: null, with meta.unix_server.event = \"open\" or \"close\", that with reason"`
}

// UnixLimits is the block limits of unix_server.
type UnixLimits struct {
	MaxConnections int `hcl:"max_connections" min:"1" doc:"connections in all; one more is closed at once"`
	Rates
}

// Shape implements flow.ConnectorConfig.
func (c *UnixServerConfig) Shape() flow.Shape {
	return flow.Shape{
		Role: flow.Server, Stream: true, In: true, Out: true, Many: true, Queue: &c.Queue,
		Topics: c.Topics, Sessions: c.Session, Lifecycle: c.Life, Wrote: checkWrote("unix_server"),
		Claims: []flow.Claim{{Resource: "listener " + string(c.Path), Field: "path"}},
	}
}

// New implements flow.ConnectorConfig.
func (c *UnixServerConfig) New() (flow.Connector, error) {
	mode, err := strconv.ParseUint(c.Mode, 8, 32)
	if err != nil || mode > uint64(fs.ModePerm) {
		err = &setting.Error{Field: "mode", Err: fmt.Errorf("%q is no mode of a file: write \"0660\"", c.Mode)}
	}
	gate, gateErr := (&access.Config{}).New(access.Limits{MaxConnections: c.Limits.MaxConnections}, nil)
	if err := errors.Join(err, gateErr, checkPath(c.Path), c.Topics.Check(), c.Session.Check()); err != nil {
		return nil, err
	}
	return &server{
		listen:         flow.ListenSpec{Scheme: "unix", Network: "unix", Address: string(c.Path), Mode: fs.FileMode(mode), Backlog: c.Backlog},
		connectTimeout: defaultConnect,
		closeTimeout:   time.Duration(c.CloseTimeout),
		maxHandshakes:  1,
		gate:           gate,
		meet:           meetUnix,
		group: socket.NewGroup(socket.Options{
			Type:         "unix_server",
			WriteTimeout: time.Duration(c.Queue.WriteTimeout),
			CloseTimeout: time.Duration(c.CloseTimeout),
			IdleTimeout:  time.Duration(c.Idle),
			Rate:         c.Limits.rate(),
		}),
	}, nil
}

// maxPath is the longest path of a socket on Linux (unix(7)).
const maxPath = 107

func checkPath(p setting.Path) error {
	if len(p) > maxPath {
		return &setting.Error{Field: "path", Err: fmt.Errorf("%s has %d bytes, and the path of a socket has %d at most", p, len(p), maxPath)}
	}
	return nil
}

// meetUnix finds out whose process a client is.
func meetUnix(gate *access.Gate, nc net.Conn) (*access.Visitor, flow.Peer, *access.Refusal) {
	visitor, refusal := gate.Adopt(netip.AddrPort{})
	if refusal != nil {
		return nil, flow.Peer{}, refusal
	}
	return visitor, flow.Peer{Path: nc.LocalAddr().String(), Claims: credentials(nc)}, nil
}
