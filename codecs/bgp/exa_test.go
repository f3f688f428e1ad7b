package bgp

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

const exaLine = "announce route 192.0.2.0/24 next-hop 192.0.2.1 origin IGP as-path [ 64501 3356 ] med 5 local-preference 200 community [ 64501:100 no-export ]"

func TestExa(t *testing.T) {
	e, err := decode(t, with("exa", nil), exaLine)
	if err != nil || !strings.Contains(shown(t, &e), `"data":`+simpleJSON) {
		t.Errorf("%v %s", err, shown(t, &e))
	}
	if b, err := codectest.Of(t, with("exa", nil)).Encode(nil, &e); err != nil || string(b) != exaLine {
		t.Errorf("%s, %v", b, err)
	}
	for _, line := range []string{
		"announce route 2001:db8::/32 next-hop 2001:db8::1 origin EGP as-path [ 1 ]", "withdraw route 2001:db8::/32", "withdraw route 192.0.2.0/24",
	} {
		e, err := decode(t, with("exa", nil), line+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := codectest.Of(t, with("exa", nil)).Encode(nil, &e); err != nil || string(b) != line {
			t.Errorf("%s became %s, %v", line, b, err)
		}
	}
	e, err = decode(t, with("raw", nil), rawUpdate(t))
	if err != nil {
		t.Fatal(err)
	}
	want := "announce route 192.0.2.0/24 next-hop 192.0.2.1 origin IGP as-path [ 64501 3356 174 1299 ] med 5 local-preference 200 community [ 64501:100 no-export ]\nwithdraw route 198.51.100.0/25"
	if b, err := codectest.Of(t, with("exa", nil)).Encode(nil, &e); err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

// What bgpipe passes over is taken where there is a spelling for it, and passed over where
// there is none and the line is of the same route without it.
func TestExaAttributes(t *testing.T) {
	const line = "announce route 192.0.2.0/24 next-hop 192.0.2.1 origin igp as-path [64501 3356] atomic-aggregate aggregator (64501:192.0.2.9) " +
		"community [64501:100] originator-id 192.0.2.7 cluster-list [192.0.2.8] large-community [64501:1:2 64501:1:3] " +
		"extended-community [ target:64501:100 ] attribute [ 0x63 0xc0 0xbeef ] watchdog dog name x med 5"
	e, err := decode(t, with("exa", nil), line)
	want := `{"reach":["192.0.2.0/24"],"attrs":{"ORIGIN":{"flags":"T","value":"IGP"},"ASPATH":{"flags":"T","value":[64501,3356]},` +
		`"NEXTHOP":{"flags":"T","value":"192.0.2.1"},"MED":{"flags":"O","value":5},"AGGREGATE":{"flags":"T","value":true},` +
		`"AGGREGATOR":{"flags":"OT","value":{"asn":64501,"addr":"192.0.2.9"}},"COMMUNITY":{"flags":"OT","value":["64501:100"]},` +
		`"ORIGINATOR":{"flags":"O","value":"192.0.2.7"},"CLUSTER_LIST":{"flags":"O","value":["192.0.2.8"]},` +
		`"LARGE_COMMUNITY":{"flags":"OT","value":["64501:1:2","64501:1:3"]}}}`
	if err != nil || !strings.Contains(shown(t, &e), `"data":`+want) {
		t.Errorf("%v\n%s\nwant %s", err, shown(t, &e), want)
	}
	b, err := codectest.Of(t, with("raw", nil)).Encode(nil, &e)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := decode(t, with("raw", nil), string(b)); err != nil || !strings.Contains(shown(t, &again), `"data":`+want) {
		t.Errorf("by way of the wire it is %s, %v", shown(t, &again), err)
	}
}

// A line that would be of another route, or has what cannot be in JSON, is refused.
func TestExaRefused(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"announce route 192.0.2.0/24 label [ 5 ]", `no attribute "label"`},
		{"announce route 192.0.2.0/24 nexthop 192.0.2.1", `no attribute "nexthop"`},
		{"announce route 192.0.2.0/24 rd 64501:1", "are passed over"},
		{`announce route 192.0.2.0/24 med 5},"MED":{"value":6`, "no number of 32 bits"},
		{`announce route 192.0.2.0/24 as-path [ 1],"x":[2 ]`, "no attribute"},
		{`announce route 192.0.2.0/24 aggregator ( 5,"x":6:192.0.2.1 )`, "no number of 32 bits"},
		{"announce route 192.0.2.0/24 aggregator ( 5 )", "AGGREGATOR"},
		{"announce route 192.0.2.0/24 large-community [ 1:2 ]", "LARGE_COMMUNITY"},
	} {
		if _, err := decode(t, with("exa", nil), test.line); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v", test.line, err)
		}
	}
}

// No part of an event becomes a command of its own.
func TestExaCommands(t *testing.T) {
	for _, data := range []string{
		`{"reach":["192.0.2.0/24\nshutdown"]}`, `{"unreach":["192.0.2.0/24 next-hop self"]}`,
		`{"reach":["192.0.2.0/24"],"attrs":{"NEXTHOP":{"value":"192.0.2.1\nshutdown"}}}`,
		`{"reach":["192.0.2.0/24"],"attrs":{"COMMUNITY":{"value":["1:1\nshutdown"]}}}`,
		`{"attrs":{"MP_REACH":{"value":{"af":"IPV6/UNICAST","nexthop":"fe80::1%\nshutdown","prefixes":["2001:db8::/32"]}}}}`,
	} {
		v, _ := jsontext.Parse([]byte(`{"type":"UPDATE","data":` + data + `}`))
		if b, err := codectest.Of(t, with("exa", nil)).Encode(nil, &flow.Event{Value: v}); err == nil {
			t.Errorf("%s is written as %q", data, b)
		}
	}
	v, _ := jsontext.Parse([]byte(`{"type":"UPDATE","data":{"reach":["192.0.2.0/24"],"attrs":{"ORIGIN":{"value":"IGP\nshutdown"}}}}`))
	if b, err := codectest.Of(t, with("exa", nil)).Encode(nil, &flow.Event{Value: v}); err != nil || string(b) != "announce route 192.0.2.0/24" {
		t.Errorf("%q, %v", b, err)
	}
}
