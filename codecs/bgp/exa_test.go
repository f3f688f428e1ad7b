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
