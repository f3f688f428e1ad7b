// Package syslog has the codec for messages of syslog, as RFC 5424 and RFC 3164
// describe them.
//
// The parsers are state machines that others have generated from the grammars;
// each connection has its own. What they leave open for RFC 3164, which year a
// message is from, is decided here: the one nearest to when it arrived.
package syslog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	gosyslog "github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Spec is the codec's row of the table.
var Spec = flow.Spec[flow.CodecConfig]{
	Name:    "syslog",
	Summary: "a message is one of syslog, by RFC 5424 or RFC 3164",
	Doc: `A message ` + "`<165>1 2026-11-21T02:13:04.003Z web app 8710 ID47 [login user=\"eve\"] refused`" + ` becomes

` + "```json" + `
{
  "protocol": "rfc5424", "facility": "local4", "severity": "notice", "timestamp": "2026-11-21T02:13:04.003Z",
  "hostname": "web", "appname": "app", "procid": "8710", "msgid": "ID47",
  "structured_data": { "login": { "user": "eve" } }, "message": "refused"
}
` + "```" + `

What the message leaves out (` + "`-`" + `) is not there. One of RFC 3164, ` + "`<34>Nov 21 02:13:04 web su[42]: refused`" + `, has the same keys, without
` + "`msgid` and `structured_data`" + `; its time is in ` + "`timezone`" + `, of the year that is nearest to when it arrived. Times in RFC 3339 or with
fractions of seconds, as many programs write them there, and days with a zero in front are accepted too. ` + "`format`" + ` says which of
both is expected; "auto" looks for the version that follows the priority. The names in structured data are in the order of
their bytes; of a parameter that an element has twice, the last value counts. Something else is an error, as is a message of more
than ` + "`max_length`" + `.

Outwards the same keys are written, by RFC 3164 if ` + "`format`" + ` or ` + "`protocol`" + ` says so, else by RFC 5424. A missing facility is ` + "`user`" + `, a missing
severity ` + "`notice`" + `, a missing time when the event arrived. Values that the format cannot hold (spaces in a hostname) are an error, and so are
other keys; put them into ` + "`structured_data`" + `.

On streams of bytes, a connector that names no processors takes each line for a message; for octet counting use
` + "`{ name = \"length_prefix\", size = \"text\" }`" + `.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = { name = "syslog", format = "rfc5424" }
}

connect "errors" {
  from  = connector.edge
  where = event.severity == "err"
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig { return &config{Format: "auto", Timezone: "UTC", MaxLength: 64 << 10} },
}

type config struct {
	Format    string       `hcl:"format" oneof:"auto|rfc5424|rfc3164" doc:"which format is read and written"`
	Timezone  string       `hcl:"timezone" doc:"of times without one: \"UTC\", \"Local\" or a name like \"Europe/Vienna\""`
	MaxLength setting.Size `hcl:"max_length" min:"64B" max:"1MiB" doc:"longest message taken, inwards"`
}

func (c *config) New() (func() flow.Codec, error) {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, &setting.Error{Field: "timezone", Err: fmt.Errorf("there is no time zone %q here", c.Timezone)}
	}
	return func() flow.Codec { return &codec{cfg: c, zone: zone} }, nil
}

func (*config) Text() bool { return true }

// Framing is for connectors that name no processors; flows asks for it.
func (*config) Framing(stream bool) (in, out string) {
	if !stream {
		return "", ""
	}
	return `{ name = "separate", trim_cr = true, skip_empty = true }`, `"separate"`
}

// codec has the parsers of one connection, made when the first message comes.
type codec struct {
	cfg      *config
	zone     *time.Location
	new, old gosyslog.Machine
}

func (c *codec) Decode(e *flow.Event, frame []byte) error {
	o, err := c.read(frame, e.Time)
	if err != nil {
		return fmt.Errorf("decode a message of syslog: %w", err)
	}
	e.SetPayload(flow.MapOf(o))
	return nil
}

func (c *codec) read(frame []byte, arrived int64) (*flow.Object, error) {
	frame = bytes.TrimRight(frame, "\r\n\x00")
	switch {
	case len(frame) > int(c.cfg.MaxLength):
		return nil, fmt.Errorf("it has %d bytes, and max_length is %v", len(frame), c.cfg.MaxLength)
	case !utf8.Valid(frame):
		return nil, errors.New("it is not UTF-8")
	case c.cfg.Format == "rfc5424", c.cfg.Format == "auto" && versioned(frame):
		return c.readNew(frame)
	}
	return c.readOld(frame, arrived)
}

// versioned reports whether a version follows the priority: one or two digits
// and a space, where RFC 3164 has the name of a month.
func versioned(b []byte) bool {
	_, rest, ok := bytes.Cut(b, []byte{'>'})
	i := 0
	for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
		i++
	}
	return ok && i > 0 && i < 4 && i < len(rest) && rest[i] == ' '
}

func (c *codec) readNew(frame []byte) (*flow.Object, error) {
	if c.new == nil {
		c.new = rfc5424.NewParser()
	}
	m, err := c.new.Parse(bytes.Clone(frame))
	if err != nil {
		return nil, fmt.Errorf("by RFC 5424, it is %w", err)
	}
	parsed, ok := m.(*rfc5424.SyslogMessage)
	if !ok {
		return nil, errors.New("by RFC 5424, it is no message")
	}
	o := objectOf("rfc5424", &parsed.Base)
	if parsed.StructuredData != nil {
		o.Set("structured_data", structured(*parsed.StructuredData))
	}
	setText(o, "message", parsed.Message)
	return o, nil
}

// structured puts the elements, which the parser returns without order, in that
// of their names.
func structured(data map[string]map[string]string) flow.Value {
	elements := flow.NewObject(len(data))
	for _, id := range sortedKeys(data) {
		params := flow.NewObject(len(data[id]))
		for _, name := range sortedKeys(data[id]) {
			params.Set(name, flow.TextOf(data[id][name]))
		}
		elements.Set(id, flow.MapOf(params))
	}
	return flow.MapOf(elements)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (c *codec) readOld(frame []byte, arrived int64) (*flow.Object, error) {
	if c.old == nil {
		c.old = rfc3164.NewParser(rfc3164.WithRFC3339(), rfc3164.WithSecondFractions(), rfc3164.WithLenientDay(),
			rfc3164.WithEmbeddedNewlines())
	}
	m, err := c.old.Parse(bytes.Clone(frame))
	if err != nil {
		return nil, fmt.Errorf("by RFC 3164, it is %w", err)
	}
	parsed, ok := m.(*rfc3164.SyslogMessage)
	if !ok {
		return nil, errors.New("by RFC 3164, it is no message")
	}
	if t := parsed.Timestamp; t != nil && t.Year() == 0 {
		nearest := nearestYear(*t, c.zone, time.Unix(0, arrived))
		parsed.Timestamp = &nearest
	}
	o := objectOf("rfc3164", &parsed.Base)
	setText(o, "message", parsed.Message)
	return o, nil
}

// nearestYear gives a time of no year the one in which it is nearest to now. The
// twenty-ninth of February is not in all years, and at most eight years apart.
func nearestYear(t time.Time, zone *time.Location, now time.Time) time.Time {
	var best time.Time
	leapDay, reach := t.Month() == time.February && t.Day() == 29, 1
	if leapDay {
		reach = 8
	}
	for year := now.Year() - reach; year <= now.Year()+reach; year++ {
		at := time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
		if leapDay && at.Month() != time.February {
			continue
		}
		if best.IsZero() || at.Sub(now).Abs() < best.Sub(now).Abs() {
			best = at
		}
	}
	return best
}

func objectOf(protocol string, m *gosyslog.Base) *flow.Object {
	o := flow.NewObject(10)
	o.Set("protocol", flow.TextOf(protocol))
	if m.Facility != nil && int(*m.Facility) < len(facilities) {
		o.Set("facility", flow.TextOf(facilities[*m.Facility]))
	}
	if m.Severity != nil && int(*m.Severity) < len(severities) {
		o.Set("severity", flow.TextOf(severities[*m.Severity]))
	}
	if m.Timestamp != nil {
		o.Set("timestamp", flow.TextOf(m.Timestamp.Format(time.RFC3339Nano)))
	}
	setText(o, "hostname", m.Hostname)
	setText(o, "appname", m.Appname)
	setText(o, "procid", m.ProcID)
	setText(o, "msgid", m.MsgID)
	return o
}

func setText(o *flow.Object, key string, s *string) {
	if s != nil {
		o.Set(key, flow.TextOf(*s))
	}
}

// The names of RFC 5424, section 6.2.1, in short.
var (
	facilities = []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
	severities = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
)
