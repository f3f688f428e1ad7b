package acceptance

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/wire"
)

// format is a row of the tables of formats that bgpipe's websocket stage and
// Fluent Bit's websocket output have: one frame as they send it, and what a flow
// sees in it.
type format struct {
	name   string
	codec  string
	frame  string
	binary bool     // bgpipe's frames are binary always, Fluent Bit's are text always
	events []string // as JSON
	out    string   // what becomes of the frame when it is written again; the same where it is empty
}

const bgpMarker = "ffffffffffffffffffffffffffffffff"

// An UPDATE that withdraws 192.0.2.0/24, and its place in the other formats.
const withdrawal = bgpMarker + "001b 02 0004 18c00002 0000"

const withdrawn = `"type":"UPDATE","data":{"unreach":["192.0.2.0/24"]}`

var formats = []format{
	// bgpipe.
	{
		name: "bgp json", codec: `{ name = "bgp", format = "json" }`, binary: true,
		frame:  `["R",243,"2026-07-13T00:00:00.037","OPEN",{"bgp":4,"asn":64501,"id":"192.0.2.1","hold":90,"caps":{"MP":["IPV4/UNICAST"],"AS4":64501}},{"PEER_AS":"64501"}]`,
		events: []string{`{"dir":"R","seq":243,"time":"2026-07-13T00:00:00.037Z","type":"OPEN","data":{"bgp":4,"asn":64501,"id":"192.0.2.1","hold":90,"caps":{"MP":["IPV4/UNICAST"],"AS4":64501}},"tags":{"PEER_AS":"64501"}}`},
	},
	{
		name: "bgp raw", codec: `{ name = "bgp", format = "raw" }`, binary: true,
		frame:  unhex(withdrawal),
		events: []string{`{"dir":"R",` + withdrawn + `,"tags":{}}`},
	},
	{
		name: "bgp mrt, AS numbers of four bytes", codec: `{ name = "bgp", format = "mrt" }`, binary: true,
		frame:  unhex("6a542a80 0011 0004 00000033 00009103 0000fbf5 0000fbf6 0007 0001 c0000201 c0000202" + withdrawal),
		events: []string{`{"dir":"R","time":"2026-07-13T00:00:00.037123Z",` + withdrawn + `,"tags":{"PEER_AS":"64501","PEER_IP":"192.0.2.1","LOCAL_AS":"64502","LOCAL_IP":"192.0.2.2","INTERFACE":"7"}}`},
	},
	{
		name: "bgp mrt, IPv6 and path identifiers", codec: `{ name = "bgp", format = "mrt" }`, binary: true,
		frame: unhex("6a542a80 0011 0009 0000004f 00009103 0000fbf5 0000fbf6 0000 0002 20010db8000000000000000000000001 20010db8000000000000000000000002" +
			bgpMarker + "001f 02 0008 00000005 18c00002 0000"),
		events: []string{`{"dir":"R","time":"2026-07-13T00:00:00.037123Z","type":"UPDATE","data":{"unreach":["#5#192.0.2.0/24"]},` +
			`"tags":{"PEER_AS":"64501","PEER_IP":"2001:db8::1","LOCAL_AS":"64502","LOCAL_IP":"2001:db8::2","INTERFACE":"0"}}`},
	},
	{
		// Two bytes in the peers and in the path become four when it is written anew.
		name: "bgp mrt, AS numbers of two bytes", codec: `{ name = "bgp", format = "mrt" }`, binary: true,
		frame: unhex("6a542a80 0011 0001 00000036 00009103 fbf5 fbf6 0007 0001 c0000201 c0000202" + bgpMarker + "0022 02 0000 0007 400204 0201 fbf5 18c00002"),
		events: []string{`{"dir":"R","time":"2026-07-13T00:00:00.037123Z","type":"UPDATE","data":{"reach":["192.0.2.0/24"],"attrs":{"ASPATH":{"flags":"T","value":[64501]}}},` +
			`"tags":{"PEER_AS":"64501","PEER_IP":"192.0.2.1","LOCAL_AS":"64502","LOCAL_IP":"192.0.2.2","INTERFACE":"7"}}`},
		out: unhex("6a542a80 0011 0004 0000003c 00009103 0000fbf5 0000fbf6 0007 0001 c0000201 c0000202" + bgpMarker + "0024 02 0000 0009 400206 0201 0000fbf5 18c00002"),
	},
	{
		name: "bgp exa", codec: `{ name = "bgp", format = "exa" }`, binary: true,
		frame: "announce route 192.0.2.0/24 next-hop 192.0.2.1 origin IGP as-path [ 64501 3356 ] med 5 local-preference 200 community [ 64501:100 no-export ]\n" +
			"withdraw route 2001:db8::/32",
		events: []string{
			`{"dir":"R","type":"UPDATE","data":{"reach":["192.0.2.0/24"],"attrs":{"ORIGIN":{"flags":"T","value":"IGP"},"ASPATH":{"flags":"T","value":[64501,3356]},"NEXTHOP":{"flags":"T","value":"192.0.2.1"},` +
				`"MED":{"flags":"O","value":5},"LOCALPREF":{"flags":"T","value":200},"COMMUNITY":{"flags":"OT","value":["64501:100","65535:65281"]}}},"tags":{}}`,
			`{"dir":"R","type":"UPDATE","data":{"attrs":{"MP_UNREACH":{"flags":"O","value":{"af":"IPV6/UNICAST","prefixes":["2001:db8::/32"]}}}},"tags":{}}`,
		},
		out: "announce route 192.0.2.0/24 next-hop 192.0.2.1 origin IGP as-path [ 64501 3356 ] med 5 local-preference 200 community [ 64501:100 no-export ]" +
			"withdraw route 2001:db8::/32", // a frame each
	},
	{
		name: "bgp bmp", codec: `{ name = "bgp", format = "bmp" }`, binary: true,
		frame:  unhex("03 0000004b 00 00 00 0000000000000000 000000000000000000000000c0000201 0000fbf5 00000000 6a542a80 00009103" + withdrawal),
		events: []string{`{"dir":"R","time":"2026-07-13T00:00:00.037123Z",` + withdrawn + `,"tags":{"PEER_IP":"192.0.2.1","PEER_AS":"64501"}}`},
	},
	{
		name: "bgp bmp, IPv6", codec: `{ name = "bgp", format = "bmp" }`, binary: true,
		frame:  unhex("03 0000004b 00 00 80 0000000000000000 20010db8000000000000000000000001 0000fbf5 00000000 6a542a80 00009103" + withdrawal),
		events: []string{`{"dir":"R","time":"2026-07-13T00:00:00.037123Z",` + withdrawn + `,"tags":{"PEER_IP":"2001:db8::1","PEER_AS":"64501"}}`},
	},
	{
		name: "bgp obmp", codec: `{ name = "bgp", format = "obmp" }`, binary: true,
		// The hashes are md5sum's of rv2 and 192.0.2.9.
		frame: unhex("4f424d50 0107 005a 0000004b 80 0c 6a542a80 00009103 " + md5OfCollector + " 0003 727632 " + md5OfRouter + " 000000000000000000000000c0000209 0009 3139322e302e322e39 00000001" +
			"03 0000004b 00 00 00 0000000000000000 000000000000000000000000c0000201 0000fbf5 00000000 6a542a80 00009103" + withdrawal),
		events: []string{`{"dir":"R","time":"2026-07-13T00:00:00.037123Z",` + withdrawn + `,"tags":{"COLLECTOR":"rv2","ROUTER":"192.0.2.9","PEER_IP":"192.0.2.1","PEER_AS":"64501"}}`},
	},

	// Fluent Bit: two records in a frame.
	{
		name: "msgpack", codec: `{ name = "msgpack", date_key = "date" }`,
		frame:  "\x92\x92" + eventTime(605_520_000) + "\x80\x81\xa1a\x01" + "\x92\x92" + eventTime(0) + "\x80\x81\xa1a\x02",
		events: []string{`{"date":1795224048.60552,"a":1}`, `{"date":1795224048.0,"a":2}`},
	},
	{
		name: "msgpack, the older form", codec: `{ name = "msgpack", date_key = "date" }`,
		frame:  "\x92" + eventTime(605_520_000) + "\x81\xa1a\x01" + "\x92\xce\x6b\x00\xf1\xf0\x81\xa1a\x02" + "\x92\xcb" + float(1795224048.5) + "\x81\xa1a\x03",
		events: []string{`{"date":1795224048.60552,"a":1}`, `{"date":1795224048.0,"a":2}`, `{"date":1795224048.5,"a":3}`},
		out:    "\x92\x92" + eventTime(605_520_000) + "\x80\x81\xa1a\x01" + "\x92\x92" + eventTime(0) + "\x80\x81\xa1a\x02" + "\x92\x92" + eventTime(500_000_000) + "\x80\x81\xa1a\x03",
	},
	{
		name: "msgpack, a group", codec: `{ name = "msgpack", date_key = "date", date_format = "epoch" }`,
		frame:  "\x92\x92\xd7\x00\xff\xff\xff\xff\x00\x00\x00\x00\x80\x80" + "\x92\x92" + eventTime(0) + "\x80\x81\xa1a\x01" + "\x92\x92\xd7\x00\xff\xff\xff\xfe\x00\x00\x00\x00\x80\x80",
		events: []string{`{"date":-1}`, `{"date":1795224048,"a":1}`, `{"date":-2}`},
	},
	{
		name: "json", codec: `"json"`,
		frame:  `[{"date":1795227184.60552,"a":1},{"date":1795227185.0,"a":2}]`,
		events: []string{`[{"date":1795227184.60552,"a":1},{"date":1795227185.0,"a":2}]`},
	},
	{
		name: "json_stream", codec: "\"json\"\n  preprocessors = [\"json_stream\"]\n  postprocessors = [\"json_stream\"]",
		frame:  `{"date":1795227184.60552,"a":1}{"date":1795227185.0,"a":{"b":"}"}}`,
		events: []string{`{"date":1795227184.60552,"a":1}`, `{"date":1795227185.0,"a":{"b":"}"}}`},
	},
	{
		name: "json_lines", codec: `"json_lines"`,
		frame:  "{\"date\":1795227184.60552,\"a\":1}\n{\"date\":1795227185.0,\"a\":2}\n",
		events: []string{`{"date":1795227184.60552,"a":1}`, `{"date":1795227185.0,"a":2}`},
	},
	{
		name: "gelf", codec: `"gelf"`,
		frame:  `{"version":"1.1","host":"edge","short_message":"hello","timestamp":1795227184.605,"level":4,"_a_b":9001,"_kept":"true"}`,
		events: []string{`{"version":"1.1","host":"edge","short_message":"hello","timestamp":1795227184.605,"level":4,"_a_b":9001,"_kept":"true"}`},
	},

	// Its formats of dates, read from a record and written into one.
	{name: "double", codec: dated("double"), frame: dateRecord(605_520_000), events: []string{`{"date":1795224048.60552,"a":1}`}},
	{name: "iso8601", codec: dated("iso8601"), frame: dateRecord(605_516_000), events: []string{`{"date":"2026-11-21T01:20:48.605516Z","a":1}`}},
	{name: "epoch", codec: dated("epoch"), frame: dateRecord(0), events: []string{`{"date":1795224048,"a":1}`}},
	{name: "epoch_ms", codec: dated("epoch_ms"), frame: dateRecord(605_000_000), events: []string{`{"date":1795224048605,"a":1}`}},
	{name: "java_sql_timestamp", codec: dated("java_sql_timestamp"), frame: dateRecord(605_547_000), events: []string{`{"date":"2026-11-21 01:20:48.605547","a":1}`}},
	{name: "no date", codec: `"json"`, frame: `{"date":"mine","a":1}`, events: []string{`{"date":"mine","a":1}`}},
}

const (
	md5OfCollector = "cb3c93a1362d21be40f2d7e5bc756821"
	md5OfRouter    = "c986fb1a8905612fcb154bbf0717d45e"
)

func unhex(s string) string {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err) // a table is wrong
	}
	return string(b)
}

// eventTime is Fluent Bit's EventTime of 2026-11-21T01:20:48Z and so many
// nanoseconds: the extension 0 of MessagePack.
func eventTime(ns uint32) string {
	return string(binary.BigEndian.AppendUint32([]byte("\xd7\x00\x6b\x00\xf1\xf0"), ns))
}

func float(f float64) string {
	return string(binary.BigEndian.AppendUint64(nil, math.Float64bits(f)))
}

func dated(format string) string {
	return fmt.Sprintf(`{ name = "msgpack", date_key = "date", date_format = %q }`, format)
}

func dateRecord(ns uint32) string { return "\x92\x92" + eventTime(ns) + "\x80\x81\xa1a\x01" }

// TestFormats sends a frame of each format, as others send it: a flow sees its
// events, and when these are made anew, from JSON, and written, the frame is the
// same again.
func TestFormats(t *testing.T) {
	var flow strings.Builder
	for i, x := range formats {
		fmt.Fprintf(&flow, `
connector "ws_server" "in%[1]d" {
  url   = "127.0.0.1:0"
  utf8  = "lenient"
  codec = %[2]s
}

connector "ws_server" "out%[1]d" {
  url   = "127.0.0.1:0"
  codec = %[2]s
}

connector "ws_server" "seen%[1]d" {
  url   = "127.0.0.1:0"
  codec = "json"
}

connect "seen%[1]d" {
  from    = connector.in%[1]d
  to      = connector.seen%[1]d
  deliver = "broadcast"
}

connect "out%[1]d" {
  from    = connector.in%[1]d
  via     = [pipeline.anew]
  to      = connector.out%[1]d
  deliver = "broadcast"
}
`, i, x.codec)
	}
	flow.WriteString(`
pipeline "anew" {
  map "anew" {
    event = jsondecode(jsonencode(event))
  }
}
`)
	f := start(t, "", flow.String())
	for i, x := range formats {
		t.Run(x.name, func(t *testing.T) { x.test(t, f, i) })
	}
}

func (x *format) test(t *testing.T, f *flowrun, i int) {
	dial := func(name string) *wire.Conn {
		c, err := wire.Dial(withPatience(t), f.address(fmt.Sprintf("%s%d", name, i)), "/")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c
	}
	next := func(c *wire.Conn) string {
		frame, err := c.Next()
		if err != nil {
			t.Fatalf("wait for a frame: %v", err)
		}
		return string(frame.Payload)
	}
	seen, out, in := dial("seen"), dial("out"), dial("in")
	opcode := byte(wire.Text)
	if x.binary {
		opcode = wire.Binary
	}
	if err := in.Send(wire.Fin|opcode, []byte(x.frame)); err != nil {
		t.Fatal(err)
	}
	written := ""
	for _, want := range x.events {
		if got := next(seen); !sameJSON(t, got, want) {
			t.Errorf("the flow sees %s\nwant         %s", got, want)
		}
		written += next(out)
	}
	want := x.out
	if want == "" {
		want = x.frame
	}
	if strings.HasPrefix(want, "[\"R\"") {
		if !sameJSON(t, written, want) {
			t.Errorf("it is written as %s\nwant             %s", written, want)
		}
	} else if written != want {
		t.Errorf("it is written as %q\nwant             %q", written, want)
	}
}

// sameJSON compares values, but for the tag that tells the sender's address.
func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	parsed := func(text string) (v any) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return v
	}
	a, b := parsed(got), parsed(want)
	if list, ok := a.([]any); ok && len(list) == 6 {
		a = map[string]any{"list": list, "tags": list[5]}
		b = map[string]any{"list": b, "tags": b.([]any)[5]}
	}
	if o, ok := a.(map[string]any); ok {
		if tags, ok := o["tags"].(map[string]any); ok {
			if !strings.HasPrefix(fmt.Sprint(tags["websocket/remote"]), "127.0.0.1:") {
				t.Errorf("the sender's address is not in %v", tags)
			}
			delete(tags, "websocket/remote")
		}
	}
	return reflect.DeepEqual(a, b)
}
