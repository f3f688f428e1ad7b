// Package notice is what the process tells about itself: it makes it, and spells it
// as its subscribers read it, the API of its management and connectors that bring it
// to a flow. Who tells it to whom is in other packages.
//
// Names and fields are those that clients of other proxies know; what is ours
// comes behind them.
package notice

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// Notice is something that the process tells about itself when it happens. It is
// published, and by then nobody changes it any more.
type Notice struct {
	Type string // one of those below
	Time time.Time
	// Connector is which one it is about, nil for the process. A record of the log
	// may come from a pipeline, too.
	Connector *flow.Component
	Data      *flow.Object // by type
}

// The types of notices, and what their Data is. The names are those that clients of
// other proxies know.
const (
	// A connector came up, or went down: {name, healthy}, and {flow, state}.
	BackendHealth = "backend.health"
	// A connection has begun or ended: {protocol, host, backend, client_ip}, which
	// are the connector's type, where it listens or what it has connected to, its
	// name, and the client's address, "" where there is none; and {flow, id, peer,
	// peer_host, peer_port}, the peer being who it is, as far as that is known. When
	// it ends, {cause, code, reason} are why, and what the transport says of that.
	ConnectionNew   = "connection.new"
	ConnectionClose = "connection.close"
	// Other flows have begun to run: {changed_sections, requires_restart}, which are
	// the addresses of blocks, and whether something of it waits for a new start.
	ConfigReload = "config.reload"
	// A file that is watched has been written: the same, and {valid}, before
	// anything comes of it.
	ConfigSaved = "config.saved"
	// Counters of the process, now and then:
	// {active_connections, total_connections, bytes_sent, bytes_received}, and others.
	StatsUpdate = "stats.update"

	// A record of the log: {level, message, fields}.
	LogRecord = "log"
)

// Types lists the types of notices, apart from the log.
var Types = []string{BackendHealth, ConnectionNew, ConnectionClose, ConfigReload, ConfigSaved, StatsUpdate}

// Of returns a notice about a connector, or about the process when c is nil.
func Of(typ string, c *flow.Component, data ...flow.Field) Notice {
	return Notice{Type: typ, Time: time.Now(), Connector: c, Data: flow.ObjectOf(data...)}
}

// Health tells that a connector is up or not, and what it is doing.
func Health(c *flow.Component, up bool, state string) Notice {
	return Of(BackendHealth, c,
		flow.Field{Key: "name", Value: flow.TextOf(c.Name)},
		flow.Field{Key: "healthy", Value: flow.BoolOf(up)},
		flow.Field{Key: "flow", Value: flow.TextOf(c.Flow)},
		flow.Field{Key: "state", Value: flow.TextOf(state)})
}

// EventsLost tells a subscriber that n notices found no room in its queue.
func EventsLost(n uint64) Notice {
	return Of("events.lost", nil, flow.Field{Key: "count", Value: flow.IntOf(int64(n))})
}

// RecordsLost is EventsLost for records of the log.
func RecordsLost(n uint64) Notice {
	return Record(zap.WarnLevel, "records are missing here: nobody took them in time",
		flow.MapOf(flow.ObjectOf(flow.Field{Key: "lost", Value: flow.IntOf(int64(n))})))
}

// Record is a record of the log, of this moment.
func Record(level zapcore.Level, message string, fields flow.Value) Notice {
	return Of(LogRecord, nil,
		flow.Field{Key: "level", Value: flow.TextOf(level.String())},
		flow.Field{Key: "message", Value: flow.TextOf(message)},
		flow.Field{Key: "fields", Value: fields})
}

// Level is that of a record.
func Level(n Notice) zapcore.Level {
	name, _ := n.Data.Get("level")
	level, err := zapcore.ParseLevel(name.Text())
	if err != nil {
		return zapcore.FatalLevel
	}
	return level
}

// Append appends {"type", "timestamp", "data"}, in one line.
func Append(dst []byte, n Notice) []byte {
	return appendObject(dst, flow.ObjectOf(
		flow.Field{Key: "type", Value: flow.TextOf(n.Type)},
		flow.Field{Key: "timestamp", Value: stamp(n.Time)},
		flow.Field{Key: "data", Value: flow.MapOf(n.Data)}))
}

// AppendRecord appends a record of the log: {"timestamp", "level", "message",
// "fields"}, in one line.
func AppendRecord(dst []byte, n Notice) []byte {
	return appendObject(dst, flow.ObjectOf(flow.Field{Key: "timestamp", Value: stamp(n.Time)}).Merge(n.Data))
}

// stamp spells a time for programs of any language: in UTC, with three digits of
// the second.
func stamp(t time.Time) flow.Value {
	return flow.TextOf(t.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}

func appendObject(dst []byte, o *flow.Object) []byte {
	text, err := jsontext.Append(dst, flow.MapOf(o), false)
	if err != nil { // a number that is infinite, which nobody tells
		return append(dst, "null"...)
	}
	return text
}
