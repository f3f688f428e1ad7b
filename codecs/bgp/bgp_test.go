package bgp

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	gobgp "github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

func with(format string, change func(*config)) *config {
	c := Spec.Config().(*config)
	c.Format = format
	if change != nil {
		change(c)
	}
	return c
}

func decode(t testing.TB, c *config, message string) (flow.Event, error) {
	t.Helper()
	e := flow.Event{Time: codectest.Arrival}
	err := codectest.Of(t, c).Decode(&e, []byte(message))
	return e, err
}

// shown is the payload as JSON.
func shown(t testing.TB, e *flow.Event) string {
	t.Helper()
	v, err := e.Payload()
	if err != nil {
		t.Fatal(err)
	}
	b, err := jsontext.Append(nil, v, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func unhexed(t testing.TB, s string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const mark16 = "ffffffffffffffffffffffffffffffff"

// An UPDATE, attribute by attribute, and what it is as JSON.
var (
	attrsHex = "400101 00" +
		"400214 0202 0000fbf5 00000d1c 0102 000000ae 00000513" +
		"400304 c0000201" +
		"800404 00000005" +
		"400504 000000c8" +
		"c00808 fbf50064 ffffff01" +
		"c0200c 0000fbf5 00000001 00000002" +
		"e06302 beef"
	attrsJSON = `{"ORIGIN":{"flags":"T","value":"IGP"},` +
		`"ASPATH":{"flags":"T","value":[64501,3356,[174,1299]]},` +
		`"NEXTHOP":{"flags":"T","value":"192.0.2.1"},` +
		`"MED":{"flags":"O","value":5},` +
		`"LOCALPREF":{"flags":"T","value":200},` +
		`"COMMUNITY":{"flags":"OT","value":["64501:100","65535:65281"]},` +
		`"LARGE_COMMUNITY":{"flags":"OT","value":["64501:1:2"]},` +
		`"ATTR_99":{"flags":"OTP","value":"0xbeef"}}`
	dataJSON = `{"reach":["192.0.2.0/24"],"unreach":["198.51.100.0/25"],"attrs":` + attrsJSON + `}`
)

// rawUpdate is that UPDATE on the wire.
func rawUpdate(t testing.TB) string {
	t.Helper()
	attrs := unhexed(t, attrsHex)
	body := unhexed(t, "0005 19c6336400") + string([]byte{0, byte(len(attrs))}) + attrs + unhexed(t, "18c00002")
	return unhexed(t, mark16) + string([]byte{0, byte(19 + len(body)), 2}) + body
}

func TestUpdate(t *testing.T) {
	raw := rawUpdate(t)
	if _, err := gobgp.ParseBGPMessage([]byte(raw)); err != nil {
		t.Fatalf("GoBGP does not take it: %v", err)
	}
	e, err := decode(t, with("raw", nil), raw)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"dir":"R","type":"UPDATE","data":` + dataJSON + `,"tags":{}}`; shown(t, &e) != want {
		t.Errorf("%s\nwant %s", shown(t, &e), want)
	}
	// Untouched it leaves byte for byte, and so it does by way of JSON.
	for _, via := range []string{"raw", "json"} {
		b, err := codectest.Of(t, with(via, nil)).Encode(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(t, with(via, nil), string(b))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = codectest.Of(t, with("raw", nil)).Encode(nil, &again); err != nil || string(b) != raw {
			t.Errorf("by way of %s it is %x, %v", via, b, err)
		}
	}
}

// What is on the wire, in hexadecimal, is what JSON has, and the other way
// round.
func TestAttributes(t *testing.T) {
	for _, test := range []struct{ attr, want string }{
		{"400101 02", `"ORIGIN":{"flags":"T","value":"INCOMPLETE"}`},
		{"400200", `"ASPATH":{"flags":"T","value":[]}`},
		{"500200 06 0201 00000001", `"ASPATH":{"flags":"TX","value":[1]}`},
		{"400206 0301 00000001", `"ASPATH":{"flags":"T","value":"0x030100000001"}`},
		{"400600", `"AGGREGATE":{"flags":"T","value":true}`},
		{"c00708 0000fbf5 c0000201", `"AGGREGATOR":{"flags":"OT","value":{"asn":64501,"addr":"192.0.2.1"}}`},
		{"800904 c0000201", `"ORIGINATOR":{"flags":"O","value":"192.0.2.1"}`},
		{"800a08 c0000201 c0000202", `"CLUSTER_LIST":{"flags":"O","value":["192.0.2.1","192.0.2.2"]}`},
		{"800e1a 0002 01 10 20010db8000000000000000000000001 00 20 20010db8", `"MP_REACH":{"flags":"O","value":{"af":"IPV6/UNICAST","nexthop":"2001:db8::1","prefixes":["2001:db8::/32"]}}`},
		{"800e2a 0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 20 20010db8",
			`"MP_REACH":{"flags":"O","value":{"af":"IPV6/UNICAST","nexthop":"2001:db8::1","link-local":"fe80::1","prefixes":["2001:db8::/32"]}}`},
		{"800e09 0001 85 00 00 03 01 18 c0", `"MP_REACH":{"flags":"O","value":{"af":"IPV4/FLOWSPEC","data":"0x030118c0"}}`},
		{"800e0e 0001 85 00 00 08 0118c00002 038106", `"MP_REACH":{"flags":"O","value":{"af":"IPV4/FLOWSPEC","rules":[{"DST":"192.0.2.0/24","PROTO":[{"op":"==","val":6}]}]}}`},
		{"800e12 0001 85 04 00000000 00 08 0118c00002 038106", `"MP_REACH":{"flags":"O","value":{"af":"IPV4/FLOWSPEC","nexthop":"0.0.0.0","rules":[{"DST":"192.0.2.0/24","PROTO":[{"op":"==","val":6}]}]}}`},
		{"800e0d 0001 85 03 000000 00 04 0d8106c0", `"MP_REACH":{"flags":"O","value":{"af":"IPV4/FLOWSPEC","nh":"0x000000","data":"0x040d8106c0"}}`},
		{"800f09 0002 85 05 0120002001", `"MP_UNREACH":{"flags":"O","value":{"af":"IPV6/FLOWSPEC","data":"0x050120002001"}}`},
		{"800f0b 0002 85 07 01200020010db8", `"MP_UNREACH":{"flags":"O","value":{"af":"IPV6/FLOWSPEC","rules":[{"DST":"2001:db8::/32"}]}}`},
		{"800f03 0002 85", `"MP_UNREACH":{"flags":"O","value":{"af":"IPV6/FLOWSPEC","rules":[]}}`},
		{"800f03 0002 01", `"MP_UNREACH":{"flags":"O","value":{"af":"IPV6/UNICAST","prefixes":[]}}`},
		{"c01008 0002 fbf5 00000064", `"EXT_COMMUNITY":{"flags":"OT","value":[{"type":"TARGET","value":"64501:100"}]}`},
		{"c01010 8006000000000000 80070000 00000002", `"EXT_COMMUNITY":{"flags":"OT","value":[{"type":"FLOW_RATE_BYTES","value":0},{"type":"FLOW_ACTION","value":{"terminal":false,"sample":true}}]}`},
		{"c01007 0002fbf5000000", `"EXT_COMMUNITY":{"flags":"OT","value":"0x0002fbf5000000"}`},                                                        // too short to be one
		{"800e0d 0001 02 04 c0000201 00 18 c00002", `"MP_REACH":{"flags":"O","value":{"af":"IPV4/MULTICAST","nh":"0xc0000201","data":"0x18c00002"}}`}, // as bgpipe
		{"800f07 0002 02 1820010d", `"MP_UNREACH":{"flags":"O","value":{"af":"IPV6/MULTICAST","data":"0x1820010d"}}`},
		{"c0230400000007", `"OTC":{"flags":"OT","value":7}`},
		{"400303 c00002", `"NEXTHOP":{"flags":"T","value":"0xc00002"}`}, // too short to be one
	} {
		value := unhexed(t, test.attr)
		body := "\x00\x00" + string([]byte{0, byte(len(value))}) + value
		raw := unhexed(t, mark16) + string([]byte{0, byte(19 + len(body)), 2}) + body
		e, err := decode(t, with("raw", nil), raw)
		if err != nil {
			t.Errorf("%s: %v", test.attr, err)
			continue
		}
		if got := shown(t, &e); got != `{"dir":"R","type":"UPDATE","data":{"attrs":{`+test.want+`}},"tags":{}}` {
			t.Errorf("%s is %s\nwant %s", test.attr, got, test.want)
		}
		v, _ := jsontext.Parse([]byte(shown(t, &e)))
		if b, err := codectest.Of(t, with("raw", nil)).Encode(nil, &flow.Event{Value: v}); err != nil || string(b) != raw {
			t.Errorf("%s becomes %x, %v", test.attr, b, err)
		}
	}
}

func TestOpen(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{"04 fe1f 005a c0000201 00", `{"bgp":4,"asn":65055,"id":"192.0.2.1","hold":90,"caps":{}}`},
		{"04 fe1f 005a c0000201 1a 02 18 0104 0001 00 01 0104 0002 00 01 0200 4104 0000fe1f 4002 0078",
			`{"bgp":4,"asn":65055,"id":"192.0.2.1","hold":90,"caps":{"MP":["IPV4/UNICAST","IPV6/UNICAST"],"ROUTE_REFRESH":true,"AS4":65055,"GRACEFUL_RESTART":"0x0078"}}`},
		// As FRRouting sends it: families with paths, the next hop of another kind, a role, a name.
		{"04 fe1f 005a c0000201 28 02 26 4508 00010101 00020103 0506 0001 0001 0002 0901 03 490f 02 7231 0b 6578616d706c652e636f6d",
			`{"bgp":4,"asn":65055,"id":"192.0.2.1","hold":90,"caps":{"ADDPATH":["IPV4/UNICAST/RECEIVE","IPV6/UNICAST/BIDIR"],"EXTENDED_NEXTHOP":["IPV4/UNICAST/IPV6"],"ROLE":"CUSTOMER","FQDN":{"host":"r1","domain":"example.com"}}}`},
		// What words cannot say, and a capability that is there twice.
		{"04 fe1f 005a c0000201 1c 02 1a 4504 00010107 0904 00000001 0901 09 4903 026122 4904 02612200",
			`{"bgp":4,"asn":65055,"id":"192.0.2.1","hold":90,"caps":{"ADDPATH":"0x00010107","ROLE":["0x00000001","0x09"],"FQDN":["0x026122","0x02612200"]}}`},
		{"04 fe1f 005a c0000201 03 01 01 ff", `{"bgp":4,"asn":65055,"id":"192.0.2.1","hold":90,"params":"0x0101ff"}`},
	} {
		body := unhexed(t, test.body)
		raw := unhexed(t, mark16) + string([]byte{0, byte(19 + len(body)), 1}) + body
		e, err := decode(t, with("raw", nil), raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(t, &e); got != `{"dir":"R","type":"OPEN","data":`+test.want+`,"tags":{}}` {
			t.Errorf("%s is %s", test.body, got)
		}
		v, _ := jsontext.Parse([]byte(shown(t, &e)))
		if b, err := codectest.Of(t, with("raw", nil)).Encode(nil, &flow.Event{Value: v}); err != nil || string(b) != raw {
			t.Errorf("%s becomes %x, %v", test.body, b, err)
		}
	}
}

// The formats around one message: what each carries of it.
var tagsJSON = `{"PEER_AS":"64501","PEER_IP":"192.0.2.1","LOCAL_AS":"64502","LOCAL_IP":"192.0.2.2","INTERFACE":"7","COLLECTOR":"rv","ROUTER":"192.0.2.9"}`

// simpleJSON is what exa can say too.
const simpleJSON = `{"reach":["192.0.2.0/24"],"attrs":{"ORIGIN":{"flags":"T","value":"IGP"},"ASPATH":{"flags":"T","value":[64501,3356]},"NEXTHOP":{"flags":"T","value":"192.0.2.1"},` +
	`"MED":{"flags":"O","value":5},"LOCALPREF":{"flags":"T","value":200},"COMMUNITY":{"flags":"OT","value":["64501:100","65535:65281"]}}}`

var formats = []string{"json", "raw", "mrt", "exa", "bmp", "obmp"}

// carries is what of a message survives a format: dir, seq, time and tags.
var carries = map[string]struct {
	rest   bool // dir and seq
	timed  bool
	millis bool
	tags   []string
}{
	"json": {true, true, true, []string{"PEER_AS", "PEER_IP", "LOCAL_AS", "LOCAL_IP", "INTERFACE", "COLLECTOR", "ROUTER"}},
	"raw":  {},
	"mrt":  {timed: true, tags: []string{"PEER_AS", "PEER_IP", "LOCAL_AS", "LOCAL_IP", "INTERFACE"}},
	"exa":  {},
	"bmp":  {timed: true, tags: []string{"PEER_AS", "PEER_IP"}},
	"obmp": {timed: true, tags: []string{"PEER_AS", "PEER_IP", "COLLECTOR", "ROUTER"}},
}

// TestMatrix sends one message through each pair of formats: written in the
// first, read, written in the second, read. What both carry is there, and the
// body is the same.
func TestMatrix(t *testing.T) {
	v, err := jsontext.Parse([]byte(`{"dir":"L","seq":243,"time":"2026-07-13T00:00:00.037123Z","type":"UPDATE","data":` + simpleJSON + `,"tags":` + tagsJSON + `}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range formats {
		for _, two := range formats {
			t.Run(one+" to "+two, func(t *testing.T) {
				e := flow.Event{Value: v, Time: codectest.Arrival}
				for _, format := range []string{one, two} {
					b, err := codectest.Of(t, with(format, nil)).Encode(nil, &e)
					if err != nil {
						t.Fatal(err)
					}
					if e, err = decode(t, with(format, nil), string(b)); err != nil {
						t.Fatalf("%s %q: %v", format, b, err)
					}
				}
				p, _ := e.Payload()
				check(t, p.Object(), one, two)
			})
		}
	}
}

func check(t *testing.T, o *flow.Object, one, two string) {
	t.Helper()
	a, b := carries[one], carries[two]
	get := func(key string) string { v, _ := o.Get(key); return v.Text() }
	data, _ := o.Get("data")
	if s, err := appendJSON(nil, data); err != nil || string(s) != simpleJSON {
		t.Errorf("its data are %s, %v", s, err)
	}
	wantDir, wantSeq := "R", int64(0)
	if a.rest {
		wantDir = "L"
	}
	if wantDir == "L" && !b.rest {
		wantDir = "R"
	}
	if a.rest && b.rest {
		wantSeq = 243
	}
	if seq, _ := o.Get("seq"); get("dir") != wantDir || seq.Int() != wantSeq {
		t.Errorf("dir %s, seq %d", get("dir"), seq.Int())
	}
	wantTime := ""
	if b.timed {
		wantTime = "2026-11-21T02:13:04.60552Z" // when it arrived
		if b.millis {
			wantTime = "2026-11-21T02:13:04.605Z"
		}
		if a.timed {
			wantTime = "2026-07-13T00:00:00.037123Z"
			if a.millis || b.millis {
				wantTime = "2026-07-13T00:00:00.037Z"
			}
		}
	}
	if get("time") != wantTime {
		t.Errorf("its time is %q, want %q", get("time"), wantTime)
	}
	tags, _ := o.Get("tags")
	all, _ := jsontext.Parse([]byte(tagsJSON))
	for _, key := range b.tags {
		for _, other := range a.tags {
			if key == other {
				want, _ := all.Object().Get(key)
				if got, _ := tags.Object().Get(key); !got.Equal(want) {
					t.Errorf("its tag %s is %q", key, got.Text())
				}
			}
		}
	}
}

// Bytes as they are written, field by field.
func TestSpellings(t *testing.T) {
	v, err := jsontext.Parse([]byte(`{"dir":"R","seq":1,"time":"2026-07-13T00:00:00.037123Z","type":"KEEPALIVE","data":null,"tags":` + tagsJSON + `}`))
	if err != nil {
		t.Fatal(err)
	}
	u, _ := jsontext.Parse([]byte(`{"type":"UPDATE","time":"2026-07-13T00:00:00.037123Z","data":{"unreach":["192.0.2.0/24"]},"tags":` + tagsJSON + `}`))
	const keepalive = mark16 + "0013 04"
	const withdraw = mark16 + "001b 02 0004 18c00002 0000"
	for _, test := range []struct {
		format string
		v      flow.Value
		want   string
	}{
		{"raw", v, keepalive},
		{"mrt", v, "6a542a80 0011 0004 0000002b 00009103 0000fbf5 0000fbf6 0007 0001 c0000201 c0000202" + keepalive},
		{"bmp", u, "03 0000004b 00" + "00 00 0000000000000000 000000000000000000000000c0000201 0000fbf5 00000000 6a542a80 00009103" + withdraw},
	} {
		b, err := codectest.Of(t, with(test.format, nil)).Encode(nil, &flow.Event{Value: test.v})
		if err != nil || string(b) != unhexed(t, test.want) {
			t.Errorf("%s: %x, %v\nwant %x", test.format, b, err, unhexed(t, test.want))
		}
	}
	b, err := codectest.Of(t, with("json", nil)).Encode(nil, &flow.Event{Value: v})
	if want := `["R",1,"2026-07-13T00:00:00.037","KEEPALIVE",null,` + tagsJSON + `]`; err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
	if b, err = codectest.Of(t, with("exa", nil)).Encode(nil, &flow.Event{Value: v}); err != nil || len(b) > 0 {
		t.Errorf("a KEEPALIVE in exa is %q, %v", b, err)
	}
	if _, err = codectest.Of(t, with("bmp", nil)).Encode(nil, &flow.Event{Value: v}); err == nil {
		t.Error("a KEEPALIVE is written as Route Monitoring")
	}
	b, err = codectest.Of(t, with("obmp", nil)).Encode(nil, &flow.Event{Value: u})
	if err != nil || string(b[:8]) != "OBMP\x01\x07\x00\x59" || b[12] != 0x80 || b[13] != 12 || string(b[len(b)-75:len(b)-69]) != "\x03\x00\x00\x00\x4b\x00" {
		t.Errorf("obmp: %x, %v", b, err)
	}
}

func TestRefused(t *testing.T) {
	raw := rawUpdate(t)
	mrt, _ := codectest.Of(t, with("mrt", nil)).Encode(nil, event(t, raw))
	bmp, _ := codectest.Of(t, with("bmp", nil)).Encode(nil, event(t, raw))
	obmp, _ := codectest.Of(t, with("obmp", nil)).Encode(nil, event(t, raw))
	for _, test := range []struct{ format, message, want string }{
		{"json", `{}`, "no list [dir"},
		{"json", `{"reach":["192.0.2.0/24"],"x":1}`, "no list [dir"},
		{"json", `["R",1,""]`, "no list [dir"},
		{"json", `["R",1,"",0]`, `type "0"`},
		{"json", `["R",1,"",0,"UPDATE",{},{},{}]`, "no list [dir"},
		{"json", `["R",1,"","UPDATE",{},{},{}]`, "no list [dir"},
		{"json", `["R",1,"",0,"NOTIFY","bye",null]`, "never are"},
		{"json", `["X",1,"","UPDATE",{},{}]`, "direction"},
		{"json", `["R","a","","UPDATE",{},{}]`, "sequence"},
		{"json", `["R",1,"soon","UPDATE",{},{}]`, "time"},
		{"json", `["R",1,"","HELLO",{},{}]`, `type "HELLO"`},
		{"json", `["R",1,"","UPDATE",{"x":1},{}]`, `have a key "x"`},
		{"json", `["R",1,"","KEEPALIVE",{},{}]`, "never are"},
		{"json", `["R",1,"","UPDATE",{},7]`, "tags"},
		{"json", `["R"`, "decode a BGP message as json"},
		{"raw", "hello", "16 bytes of 255"},
		{"raw", raw + "x", "more follows"},
		{"raw", unhexed(t, mark16+"0012 04"), "less than its header"},
		{"raw", unhexed(t, mark16+"0013 00"), "of type 0"},
		{"raw", unhexed(t, mark16+"0017 02 0001 0000"), "UPDATE"},
		{"raw", unhexed(t, mark16+"001c 02 0000 0000 21c0000201"), "a prefix is none"},
		{"raw", unhexed(t, mark16+"001a 02 0000 0003 400104"), "attribute 1 would have 4 bytes"},
		{"mrt", string(mrt) + "x", "more follows"},
		{"bmp", "\x02" + string(bmp[1:]), "version is 2"},
		{"obmp", "XBMP" + string(obmp[4:]), "does not begin with OBMP"},
		{"exa", "neighbor 192.0.2.1 announce route", "neither announce"},
		{"exa", "announce route 192.0.2.0", "no prefix"},
		{"exa", "announce route 192.0.2.0/24 next-hop", "has no value"},
		{"exa", "announce route 192.0.2.0/24 as-path [ 1", "not closed"},
		{"exa", "announce route 192.0.2.0/24 origin [ ]", "one value, not 0"},
		{"exa", "announce route 192.0.2.0/24 next-hop [ 192.0.2.1 192.0.2.2 ]", "one value, not 2"},
		{"exa", "announce route 192.0.2.0/24 as-path [ x ]", "decode a BGP message as exa"},
		{"exa", "announce route 192.0.2.0/24 label 5", `no attribute "label"`},
		{"exa", "announce route 192.0.2.0/24 med 4294967296", "no number of 32 bits"},
		{"exa", "withdraw route 192.0.2.0/24 med 5", "something follows"},
	} {
		var cut *cutOff
		if _, err := decode(t, with(test.format, nil), test.message); err == nil || errors.As(err, &cut) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: %v", test.format, test.message, err)
		}
	}
	// Cut off anywhere, a message is truncated, and nothing else.
	for format, whole := range map[string]string{"raw": raw, "mrt": string(mrt), "bmp": string(bmp), "obmp": string(obmp)} {
		if _, err := decode(t, with(format, nil), whole); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		for n := range len(whole) {
			var cut *cutOff
			if _, err := decode(t, with(format, nil), whole[:n]); !errors.As(err, &cut) {
				t.Fatalf("%s, of which %d of %d bytes have come: %v", format, n, len(whole), err)
			}
		}
	}
}

func event(t *testing.T, raw string) *flow.Event {
	t.Helper()
	e, err := decode(t, with("raw", nil), raw)
	if err != nil {
		t.Fatal(err)
	}
	return &e
}

func TestLeftOut(t *testing.T) {
	const keepalive = `["R",1,"2026-07-13T00:00:00.037","KEEPALIVE",null,{"a":"b"}]`
	for _, test := range []struct {
		c       *config
		message string
		none    bool
	}{
		{with("json", nil), keepalive, false},
		{with("json", nil), `["R",2,"2026-07-13T00:00:00.037","KEEPALIVE"]`, false},
		{with("json", nil), `["R",2,"2026-07-13T00:00:00.037",4,null,null]`, false},
		{with("json", nil), `["R",2,"2026-07-13T00:00:00.037",0,"KEEPALIVE",null,{}]`, false}, // as older bgpipes write it
		{with("json", nil), `["R",2,"2026-07-13T00:00:00.037",-1,"UPDATE",{"reach":["192.0.2.0/24"]},{"a":"b"}]`, false},
		{with("json", func(c *config) { c.Skip = []string{"UPDATE"} }), `["R",2,"",4,"UPDATE",{}]`, true},
		{with("json", nil), `{"reach":["192.0.2.0/24"],"attrs":{"ORIGIN":{"value":"IGP"}}}`, false}, // only the data of an UPDATE
		{with("json", func(c *config) { c.Skip = []string{"UPDATE"} }), `{"unreach":["192.0.2.0/24"]}`, true},
		{with("json", nil), "", true},
		{with("json", nil), "# comment", true},
		{with("exa", nil), "# comment", true},
		{with("exa", nil), " ", true},
		{with("json", func(c *config) { c.Types = []string{"UPDATE", "4"} }), keepalive, false},
		{with("json", func(c *config) { c.Types = []string{"UPDATE"} }), keepalive, true},
		{with("json", func(c *config) { c.Skip = []string{"KEEPALIVE"} }), keepalive, true},
		{with("bmp", nil), "\x03\x00\x00\x00\x06\x04", true},
		{with("mrt", nil), "\x00\x00\x00\x01\x00\x0d\x00\x01\x00\x00\x00\x00", true},
	} {
		if _, err := decode(t, test.c, test.message); errors.Is(err, errNoEvent) != test.none || !test.none && err != nil {
			t.Errorf("%q: %v", test.message, err)
		}
	}
	e, err := decode(t, with("json", func(c *config) { c.KeepSeq, c.KeepTime, c.KeepTags = false, false, false }), keepalive)
	if want := `{"dir":"R","type":"KEEPALIVE","data":null,"tags":{}}`; err != nil || shown(t, &e) != want {
		t.Errorf("%s, %v", shown(t, &e), err)
	}
	for _, bad := range []func(*config){func(c *config) { c.Types = []string{"HELLO"} }, func(c *config) { c.Skip = []string{"0"} }} {
		if _, err := with("json", bad).New(); err == nil {
			t.Error("a type that is none is accepted")
		}
	}
}

// The sender's address is a tag, whatever the sender says of it.
func TestRemote(t *testing.T) {
	e := flow.Event{Origin: &flow.Origin{Peer: flow.Peer{Host: "10.0.0.5", Port: 4711}}}
	if err := codectest.Of(t, with("json", nil)).Decode(&e, []byte(`["R",1,"","KEEPALIVE",null,{"websocket/remote":"me","a":1}]`)); err != nil {
		t.Fatal(err)
	}
	if want := `"tags":{"websocket/remote":"10.0.0.5:4711","a":1}}`; !strings.HasSuffix(shown(t, &e), want) {
		t.Error(shown(t, &e))
	}
}

// Two-byte AS numbers and path identifiers, as MRT tells of them.
func TestOldSessions(t *testing.T) {
	body := "0000 000b 400101 00 400204 0201 fbf5" + "00000005 18c00002"
	message := mark16 + "002a 02" + body
	record := unhexed(t, "6a542a80 0010 0008 0000003a fbf5 fbf6 0000 0001 c0000201 c0000202"+message)
	e, err := decode(t, with("mrt", nil), record)
	if err != nil {
		t.Fatal(err)
	}
	if want := `"data":{"reach":["#5#192.0.2.0/24"],"attrs":{"ORIGIN":{"flags":"T","value":"IGP"},"ASPATH":{"flags":"T","value":[64501]}}}`; !strings.Contains(shown(t, &e), want) {
		t.Errorf("%s", shown(t, &e))
	}
	b, err := codectest.Of(t, with("mrt", nil)).Encode(nil, &e)
	if err != nil || string(b[4:8]) != "\x00\x11\x00\x08" || !strings.HasSuffix(string(b), unhexed(t, message)) {
		t.Errorf("as MRT again: %x, %v", b, err)
	}
	b, err = codectest.Of(t, with("raw", nil)).Encode(nil, &e)
	if want := unhexed(t, mark16+"0028 02 0000 000d 400101 00 400206 0201 0000fbf5"+"18c00002"); err != nil || string(b) != want {
		t.Errorf("as a message of today: %x, %v\nwant %x", b, err, want)
	}
	b, _ = codectest.Of(t, with("json", nil)).Encode(nil, &e)
	again, err := decode(t, with("json", nil), string(b))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = codectest.Of(t, with("mrt", nil)).Encode(nil, &again); err != nil || string(b[4:8]) != "\x00\x11\x00\x09" {
		t.Errorf("by way of JSON: %x, %v", b, err)
	}
}

// Of a key that is there twice the last value counts.
func TestRepeatedKeys(t *testing.T) {
	e, err := decode(t, with("json", nil), `["R",1,"","UPDATE",{"reach":["10.0.0.0/8"],"attrs":{"MED":{"value":1,"value":2},"ORIGIN":{"value":"IGP"},"MED":{"value":3}},"reach":["192.0.2.0/24"]},{}]`)
	if err != nil {
		t.Fatal(err)
	}
	want := unhexed(t, mark16+"0026 02 0000 000b 800404 00000003 400101 00 18c00002")
	if b, err := codectest.Of(t, with("raw", nil)).Encode(nil, &e); err != nil || string(b) != want {
		t.Errorf("%x, %v\nwant %x", b, err, want)
	}
}

func TestNotWritten(t *testing.T) {
	for _, test := range []struct{ event, want string }{
		{`5`, "not an object"},
		{`{"type":"HELLO"}`, "it has no type"},
		{`{"type":"UPDATE","dir":"X"}`, "its dir"},
		{`{"type":"UPDATE","seq":"x"}`, "its seq"},
		{`{"type":"UPDATE","time":true}`, "its time"},
		{`{"type":"UPDATE","tags":5}`, "its tags"},
		{`{"type":"UPDATE","tags":{"PEER_AS":"x"}}`, "its tag PEER_AS"},
		{`{"type":"UPDATE","tags":{"PEER_IP":"x"}}`, "its tag PEER_IP"},
		{`{"type":"UPDATE","tags":{"PEER_IP":"::1","LOCAL_IP":"1.2.3.4"}}`, "different kinds"},
		{`{"type":"UPDATE","data":5}`, "of type number"},
		{`{"type":"UPDATE","data":"hello"}`, "no hexadecimal text"},
		{`{"type":"NOTIFY","data":{}}`, "hexadecimal text"},
		{`{"type":"UPDATE","data":{"attrs":{"MP_REACH":{"value":{"af":"IPV4/FLOWSPEC","rules":[{"X":1}]}}}}}`, `"X" is no component`},
		{`{"type":"UPDATE","data":{"attrs":{"MP_REACH":{"value":{"af":"IPV4/MPLS","prefixes":["10.0.0.0/8"]}}}}}`, "given as hexadecimal text"},
		{`{"type":"UPDATE","data":{"x":1}}`, "x: it is no part of an UPDATE"},
		{`{"type":"OPEN","data":{"x":1}}`, "x: it is no part of an OPEN"},
		{`{"type":"OPEN","data":{"caps":{"X":1}}}`, "no name of a capability"},
		{`{"type":"OPEN","data":{"caps":{"ADDPATH":["IPV4/UNICAST"]}}}`, "no family"},
		{`{"type":"OPEN","data":{"caps":{"ADDPATH":["IPV4/UNICAST/UP"]}}}`, "no direction at its end"},
		{`{"type":"OPEN","data":{"caps":{"EXTENDED_NEXTHOP":["IPV4/UNICAST/UP"]}}}`, "no kind of addresses"},
		{`{"type":"OPEN","data":{"caps":{"ROLE":"FRIEND"}}}`, "no role"},
		{`{"type":"OPEN","data":{"caps":{"BGPSEC":["x"]}}}`, "must be true or hexadecimal"},
		{`{"type":"UPDATE","data":{"reach":["::/0"]}}`, "no prefix of IPV4/UNICAST"},
		{`{"type":"UPDATE","data":{"reach":7}}`, "not a list of prefixes"},
		{`{"type":"UPDATE","data":{"attrs":{"X":{"value":1}}}}`, "no name of an attribute"},
		{`{"type":"UPDATE","data":{"attrs":{"MED":5}}}`, "flags and a value"},
		{`{"type":"UPDATE","data":{"attrs":{"MED":{"value":-5}}}}`, "no number of 32 bits"},
		{`{"type":"UPDATE","data":{"attrs":{"MED":{"flags":"Z","value":5}}}}`, "its flags"},
		{`{"type":"UPDATE","data":{"attrs":{"ASPATH":{"value":["x"]}}}}`, "no number of 32 bits"},
		{`{"type":"UPDATE","data":{"attrs":{"COMMUNITY":{"value":["1:2:3"]}}}}`, "not 2 numbers"},
		{`{"type":"UPDATE","data":{"attrs":{"MP_REACH":{"value":{"af":"X"}}}}}`, "no family"},
		{`{"type":"UPDATE","data":{"attrs":{"AIGP":{"value":[]}}}}`, "must be hexadecimal"},
		{`{"type":"UPDATE","data":{"attrs":{"EXT_COMMUNITY":{"value":[{"type":"HELLO","value":1}]}}}}`, "no type of an extended community"},
		{`{"type":"UPDATE","data":{"attrs":{"EXT_COMMUNITY":{"value":["TARGET:1:1"]}}}}`, "no type of an extended community"},
	} {
		v, err := jsontext.Parse([]byte(test.event))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := codectest.Of(t, with("mrt", nil)).Encode(nil, &flow.Event{Value: v}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %x, %v", test.event, b, err)
		}
	}
}

// FuzzWire: what is read of any bytes is written as it came, has JSON that can
// be read, and is what GoBGP finds in it.
func FuzzWire(f *testing.F) {
	raw := rawUpdate(f)
	f.Add([]byte(raw), uint8(1))
	for i, format := range formats {
		e, err := decode(f, with("raw", nil), raw)
		if err != nil {
			f.Fatal(err)
		}
		b, err := codectest.Of(f, with(format, nil)).Encode(nil, &e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(i))
	}
	f.Add([]byte(unhexed(f, mark16+"001d 01 04 fe1f 005a c0000201 00")), uint8(1))
	f.Add([]byte(exaLine), uint8(3))
	f.Fuzz(func(t *testing.T, message []byte, which uint8) {
		format := formats[int(which)%len(formats)]
		e, err := decode(t, with(format, nil), string(message))
		if err != nil {
			return
		}
		if b, err := codectest.Of(t, with(format, nil)).Encode(nil, &e); err == nil && format == "raw" && string(b) != string(message) {
			t.Fatalf("%x leaves as %x", message, b)
		}
		asJSON, err := codectest.Of(t, with("json", nil)).Encode(nil, &e)
		if err != nil {
			if format == "json" || format == "exa" {
				return
			}
			t.Fatalf("%x has no JSON: %v", message, err)
		}
		again, err := decode(t, with("json", func(c *config) { c.MaxDepth = 100 }), string(asJSON))
		if err != nil {
			t.Fatalf("%x is %s: %v", message, asJSON, err)
		}
		one, err := codectest.Of(t, with("raw", nil)).Encode(nil, &again)
		if err != nil {
			return // the JSON of others may say what has no bytes
		}
		back, err := decode(t, with("raw", nil), string(one))
		if err != nil {
			t.Fatalf("%s is written as %x: %v", asJSON, one, err)
		}
		two, err := codectest.Of(t, with("raw", nil)).Encode(nil, &back)
		if err != nil || string(one) != string(two) {
			t.Fatalf("%x, then %x: %v", one, two, err)
		}
	})
}
