// Package bgp has the codec for BGP messages, in the six formats that bgpipe
// reads and writes.
//
// A message is a [message] between the formats: what the formats say around it,
// and its body, either as on the wire or as an object. The object is what
// bgpipe's JSON format has; package spelling turns bodies into it, write.go and open.go
// back. A body that came from the wire stays as it is until somebody looks into it
// (body.go), so that from one binary format to another it is copied; an object that
// came as JSON is read where it stands when it is to become a body (node.go). What
// the formats have around the body is in the file of their name.
//
// Bodies are written straight behind what has been written before: GoBGP, whose packet
// package reads attributes, would want a tree of objects first.
package bgp

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/bgp/internal/family"
	"github.com/flowrun/flowrun/codecs/bgp/internal/session"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Spec is the codec's row of the table.
var Spec = flow.Spec[flow.CodecConfig]{
	Name:    "bgp",
	Summary: "a message is one BGP message, in the formats of bgpipe",
	Doc: `The payload is an object, whatever the format:

` + "```json" + `
{
  "dir": "R", "seq": 243, "time": "2026-07-13T00:00:00.037Z", "type": "UPDATE",
  "data": {
    "reach": ["192.0.2.0/24"],
    "attrs": {
      "ORIGIN": { "flags": "T", "value": "IGP" },
      "ASPATH": { "flags": "T", "value": [64501, 3356, [64510, 64511]] },
      "NEXTHOP": { "flags": "T", "value": "192.0.2.1" }
    }
  },
  "tags": { "PEER_IP": "192.0.2.1", "PEER_AS": "64501" }
}
` + "```" + `

` + "`type`" + ` is OPEN, UPDATE, NOTIFY, KEEPALIVE, REFRESH or a number; ` + "`data`" + ` is as in bgpipe's JSON: an object for OPEN and UPDATE, hexadecimal text
for others, null without a body. Attributes and capabilities that are not known are hexadecimal text; routes of FlowSpec are ` + "`rules`" + `; those of MULTICAST
are hexadecimal, because bgpipe passes over others, and ` + "`prefixes`" + ` are taken. What a format
does not carry is not there: without ` + "`time`" + `, it is when the event arrived; without ` + "`seq`" + `, 0 is written; without ` + "`dir`" + `, it is the argument's.
In json, the data of an UPDATE alone, ` + "`{ \"reach\": […], … }`" + `, are a message too, and so is what
older bgpipes write, with the length of the body in front of the type.

| format | one message is | carries |
|---|---|---|
| json | ` + "`[\"R\", 243, \"2026-07-13T00:00:00.037\", \"UPDATE\", {…}, {tags}]`" + ` | everything, the time in milliseconds |
| raw | the BGP message | type and body |
| mrt | BGP4MP_ET of RFC 6396 | type, body, time, tags PEER_AS, PEER_IP, LOCAL_AS, LOCAL_IP, INTERFACE |
| exa | lines ` + "`announce route P next-hop N …`, `withdraw route P`" + ` | unicast UPDATEs: next hop, origin, AS path without sets, MED, local preference, communities; inwards large ones too, aggregator, atomic aggregate, originator and cluster list |
| bmp | Route Monitoring of RFC 7854 | UPDATE: body, time, tags PEER_IP, PEER_AS |
| obmp | a bmp message behind an OpenBMP 1.7 header | and the tags COLLECTOR, ROUTER |

Inwards, ` + "`types` and `skip`" + ` leave messages out, silently; in bmp and obmp, messages other than Route Monitoring are left out too. Where the peer has an address,
the tag ` + "`websocket/remote`" + ` is it. A message that ends before the length that it declares is an error of the kind "truncated", in
` + "`event.error.kind`" + ` at ` + "`err`" + `. Outwards, another type than UPDATE has no spelling in exa: it is written as an empty message.
Inwards, attributes that only ExaBGP has or that have no spelling here are passed over (extended-community, attribute, aigp, watchdog, name and the like), and those that would
make another route of it are an error (label, rd, path-information, split).

How wide AS numbers are and whether prefixes have path identifiers (` + "`#5#192.0.2.0/24`" + `), routers agree on in their OPENs. Each connection learns it
from those that pass there (json, raw), and from a router's Peer Up messages (bmp, obmp); what OPENs leave open, or where none
was seen, an UPDATE is read as it can be, if that is one way only. ` + "`as4` and `add_path`" + ` say it instead. An UPDATE that goes on to a session, by way of json
too, is laid out as the one that it came from, unless the flow has made its ` + "`data`" + ` anew. Of an attribute that is there twice the first one counts; with
two MP_REACH or MP_UNREACH, an UPDATE is an error.

Expressions look into messages with ` + "`prefix_within(event, \"192.0.2.0/24\")`, `as_origin(event) == 64501`, `community(event, \"64501:*\")`" + ` and
others; flows/examples has an archive, sessions that pass through or are copied, and a station for BMP (` + "`bgp_*.hcl`" + `).

A connector that names no processors uses, for messages in json and exa, ` + "`separate`" + `: several lines in a frame are several
messages, blank lines and comments (#) are passed over; nothing is appended. An UPDATE of several prefixes, which has as many lines
in exa, is as many frames: of a frame with several, bgpipe takes the first. On streams of bytes json and exa are lines in both
directions, and the others are told apart by their lengths (` + "`bgp_stream`" + `).`,
	Example: `connector "ws_server" "feed" {
  url   = "127.0.0.1:4242"
  codec = { name = "bgp", format = "json", types = ["UPDATE"] }
}

connector "ws_client" "archive" {
  url   = "ws://127.0.0.1:4243/"
  codec = { name = "bgp", format = "mrt" }
}

connect "archive" {
  from  = connector.feed
  where = event.tags.PEER_AS != "64512"
  to    = connector.archive
}
`,
	Config: func() flow.CodecConfig {
		return &config{Format: "json", Dir: "R", KeepSeq: true, KeepTime: true, KeepTags: true, AS4: auto, AddPath: auto, MaxPeers: 4096, MaxDepth: 64}
	},
}

type config struct {
	Format   string   `hcl:"format" oneof:"json|raw|mrt|exa|bmp|obmp" doc:"how messages are spelled"`
	Types    []string `hcl:"types" doc:"only messages of these types are taken, inwards; all when not given"`
	Skip     []string `hcl:"skip" doc:"messages of these types are left out, inwards"`
	Dir      string   `hcl:"dir" oneof:"L|R" doc:"direction of messages that have none"`
	KeepSeq  bool     `hcl:"keep_seq" doc:"false leaves sequence numbers out, inwards"`
	KeepTime bool     `hcl:"keep_time" doc:"false leaves times out, inwards: then it is when the event arrived"`
	KeepTags bool     `hcl:"keep_tags" doc:"false leaves tags out, inwards"`
	AS4      string   `hcl:"as4" oneof:"auto|true|false" doc:"whether AS numbers have four bytes where the format does not tell (raw), in both directions; auto is as the session's OPENs say, or the paths themselves; outwards, as those of the session that the message came from, and four of one that was made"`
	AddPath  string   `hcl:"add_path" oneof:"auto|true|false" doc:"whether prefixes have path identifiers where the format does not tell (raw, bmp, obmp), in both directions; auto is as the session's OPENs say, or the prefixes themselves; outwards, as those of the session that the message came from, and none for one that was made. An UPDATE that can only be read otherwise than is said is read so, and passes as it is"`
	MaxPeers int      `hcl:"max_peers" min:"1" max:"1000000" doc:"of so many peers of routers that are monitored (bmp, obmp) the OPENs are remembered, for each connection; one more takes the place of any other"`
	MaxDepth int      `hcl:"max_depth" min:"8" max:"1000" doc:"how deep json may be nested, inwards"`
}

func (c *config) New() (func() flow.Codec, error) {
	for _, list := range []struct {
		field string
		names []string
	}{{"types", c.Types}, {"skip", c.Skip}} {
		for _, name := range list.names {
			if _, ok := typeNamed(name); !ok {
				return nil, &setting.Error{Field: list.field, Err: fmt.Errorf("%s has %q, which is no type: OPEN, UPDATE, NOTIFY, KEEPALIVE, REFRESH or a number is meant", list.field, name)}
			}
		}
	}
	return func() flow.Codec {
		return &codec{
			config: c, terms: c.settled(session.Unknown), peers: session.Peers{Most: c.MaxPeers},
			spoken: spoken{as: c.Format == "raw", ids: c.Format == "raw" || c.Format == "bmp" || c.Format == "obmp"},
		}
	}, nil
}

const auto = "auto" // as4 and add_path: what the session says

// settled are the terms of a session, with what the flow says instead.
func (c *config) settled(t session.Terms) session.Terms {
	if c.AS4 != auto {
		t.Layout.AS2, t.Doubt.AS = c.AS4 == "false", false
	}
	if c.AddPath != auto {
		t.Layout.Paths, t.Doubt.Paths = 0, 0
		if c.AddPath == "true" {
			t.Layout.Paths = family.All
		}
	}
	return t
}

func (c *config) Text() bool { return c.lines() }

func (c *config) lines() bool { return c.Format == "json" || c.Format == "exa" }

// Framing is for connectors that name no processors; flows asks for it.
func (c *config) Framing(stream bool) (in, out string) {
	const tolerant = `, trim_cr = true, skip_empty = true, comment = "#", max_length = "1MiB" }`
	switch {
	case c.Format == "exa" && stream: // a message may have several lines
		return `{ name = "separate"` + tolerant, `{ name = "separate", within = "pass" }`
	case c.Format == "exa":
		return `{ name = "separate", buffered = false` + tolerant, `{ name = "separate", within = "split" }`
	case c.lines() && stream:
		return `{ name = "separate"` + tolerant, `"separate"`
	case c.lines():
		return `{ name = "separate", buffered = false` + tolerant, ""
	case stream:
		both := `{ name = "bgp_stream", format = "` + c.Format + `" }`
		return both, both
	}
	return "", ""
}

// codec is the codec of one connection.
type codec struct {
	*config

	// What Decode has learned of the sessions whose messages come, and what it has made of
	// the connection.
	session session.Session
	terms   session.Terms
	spoken  spoken
	peers   session.Peers
	from    *flow.Origin
	remote  flow.Value

	body []byte // that Encode is writing
}

func (c *codec) Decode(e *flow.Event, frame []byte) error {
	m := message{dir: c.Dir, terms: c.terms, spoken: c.spoken}
	var err error
	switch c.Format {
	case "json":
		err = m.readJSON(frame, c.MaxDepth)
	case "raw":
		err = m.readRaw(frame)
	case "mrt":
		err = m.readMRT(frame)
	case "exa":
		err = m.readExa(frame)
	case "bmp":
		err = m.readBMP(frame, &c.peers, [16]byte{})
	case "obmp":
		err = m.readOBMP(frame, &c.peers)
	}
	switch {
	case errors.Is(err, errNoEvent):
		return err
	case err != nil:
		return fmt.Errorf("decode a BGP message as %s: %w", c.Format, err)
	}
	c.learn(&m)
	if !c.wants(m.typ) {
		return errNoEvent
	}
	e.SetPayload(m.payload(c, c.remoteOf(e.Origin)))
	return nil
}

// learn keeps what an OPEN says of the session that it opens.
func (c *codec) learn(m *message) {
	switch {
	case m.typ != bgp.BGP_MSG_OPEN:
		c.session.Pass()
		return
	case c.Format == "raw":
		c.session.Hear(m.body)
	case c.Format == "json": // it says who speaks
		body, _ := writeBody(nil, m.typ, m.data, &pathIDs{}) // what is none says nothing
		c.session.Say(m.dir == "L", body)
		c.spoken = spoken{as: c.session.TwoOctets(), ids: c.session.Identified()}
	}
	c.terms = c.settled(c.session.Terms())
}

// remoteOf is the address of who sent an event; null where that has none.
func (c *codec) remoteOf(from *flow.Origin) flow.Value {
	if c.from != from {
		c.from, c.remote = from, flow.NullValue
		if from != nil && from.Peer.Host != "" {
			c.remote = flow.TextOf(net.JoinHostPort(from.Peer.Host, strconv.Itoa(from.Peer.Port)))
		}
	}
	return c.remote
}

func (c *codec) wants(typ uint8) bool {
	is := func(name string) bool { t, _ := typeNamed(name); return t == typ }
	return (len(c.Types) == 0 || slices.ContainsFunc(c.Types, is)) && !slices.ContainsFunc(c.Skip, is)
}

func (c *codec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	m := message{dir: c.Dir, ns: e.Time}
	if err = m.take(v); err == nil {
		dst, err = c.write(dst, &m)
	}
	if err != nil {
		err = fmt.Errorf("encode a BGP message as %s: %w", c.Format, err)
	}
	return dst, err
}

func (c *codec) write(dst []byte, m *message) ([]byte, error) {
	switch c.Format {
	case "json":
		return m.writeJSON(dst)
	case "exa":
		return m.writeExa(dst)
	}
	var err error
	as2 := c.Format == "raw" && (c.AS4 == "false" || c.AS4 == auto && m.spoken.as && m.layout.AS2)
	ids := pathIDs{all: c.AddPath == "true", none: c.AddPath == "false" || c.AddPath == auto && !m.spoken.ids}
	if c.Format == "mrt" { // it can say
		ids = pathIDs{}
	}
	if c.body, err = m.wire(c.body[:0], c.Format == "mrt", as2, ids); err != nil {
		return dst, err
	}
	switch c.Format {
	case "mrt":
		return m.writeMRT(dst)
	case "bmp":
		return m.writeBMP(dst)
	case "obmp":
		return m.writeOBMP(dst)
	}
	return m.writeRaw(dst), nil
}

// appendJSON appends a value, with what is lazy in another form than JSON.
func appendJSON(dst []byte, v flow.Value) ([]byte, error) {
	if raw, f, ok := v.Encoded(); ok {
		if _, ours := f.(form); ours {
			if isBody(raw) {
				return appendBody(dst, raw), nil
			}
			return jsontext.AppendLine(dst, raw), nil
		}
	}
	return jsontext.Append(dst, v, false)
}
