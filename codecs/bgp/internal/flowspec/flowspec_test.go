package flowspec

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// TestRules: bytes of the RFCs' examples and others, and their JSON.
func TestRules(t *testing.T) {
	for _, test := range []struct {
		hex  string
		v6   bool
		want string
	}{
		// RFC 8955, 4.3: packets to 192.0.2.0/24 and TCP port 25.
		{"0b 0118c00002 038106 048119", false, `[{"DST":"192.0.2.0/24","PROTO":[{"op":"==","val":6}],"PORT":[{"op":"==","val":25}]}]`},
		// to 192.0.2.0/24, from 203/8, port 137 to 139 or 8080.
		{"10 0118c00002 0208cb 0403894 58b 911f90", false, `[{"DST":"192.0.2.0/24","SRC":"203.0.0.0/8","PORT":[{"op":">=","val":137},{"and":true,"op":"<=","val":139},{"op":"==","val":8080}]}]`},
		// to 192.0.2.1/32, a fragment, but not the first.
		{"09 0120c0000201 0c8004", false, `[{"DST":"192.0.2.1/32","FRAG":[{"op":"ANY","len":1,"val":"0x4"}]}]`},
		{"05 09110002 c102", false, ""},
		{"07 09110002 0b812e", false, ""}, // its list has no last term
		{"07 09910002 0b812e", false, `[{"TCP_FLAGS":[{"op":"ALL","len":2,"val":"0x2"}],"DSCP":[{"op":"==","val":46}]}]`},
		{"04 03900006", false, `[{"PROTO":[{"op":false,"len":2,"val":6}]}]`},
		{"0b 03b7ffffffffffffffff", false, ""},
		{"0a 03b7ffffffffffffffff", false, `[{"PROTO":[{"op":true,"val":18446744073709551615}]}]`},
		{"0100 0100", false, ""},
		{"020100 0208 0a", false, ""},
		{"020100 03020 80a", false, `[{"DST":"0.0.0.0/0"},{"SRC":"10.0.0.0/8"}]`},
		{"", false, `[]`},
		// RFC 8956, 3.8.1: to ::1234:5678:9a00:0/64-104, and to 2001:db8::/32.
		{"12 01680 0 20010db8000000000000000000 0381 06", true, ""},
		{"08 016840123456789a", true, `[{"DST":"::1234:5678:9a00:0/64-104"}]`},
		{"0e 0120 0020010db8 0268 40123456789a", true, ""},
		{"0f 0120 0020010db8 0268 40123456789a", true, `[{"DST":"2001:db8::/32","SRC":"::1234:5678:9a00:0/64-104"}]`},
		{"05 0111 0bfc 00", true, ""}, // bits behind its end
		{"04 01110bfc", true, `[{"DST":"1f:8000::/11-17"}]`},
		{"05 0da1000fffff", true, ""},
		{"06 0da1000fffff", true, `[{"LABEL":[{"op":"==","val":1048575}]}]`},
		{"06 0da1000fffff", false, ""},
		{"03 038906", false, ""}, // a bit that means nothing
		{"06 048119 038106", false, ""},
		{"03 0e8106", false, ""},
		{"f003 038106", false, ""}, // a length that would be shorter
		{"03 0381", false, ""}, {"f0", false, ""}, {"00", false, ""},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(test.hex, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", test.hex, err)
		}
		got, ok := AppendJSON(nil, b, test.v6)
		if string(got) != test.want || ok != (test.want != "") {
			t.Errorf("%s is %s, %v; want %s", test.hex, got, ok, test.want)
		}
		if !ok {
			continue
		}
		if back, err := Append(nil, got, test.v6); err != nil || !bytes.Equal(back, b) {
			t.Errorf("%s is written as %x, %v", got, back, err)
		}
	}
	rule := `{"SRC":"10.0.0.0/8","PORT":[` + strings.Repeat(`{"op":"==","val":1},`, 118) + `{"op":"==","val":1}]}`
	b, err := Append(nil, []byte("["+rule+"]"), false)
	if err != nil || len(b) != 2+242 || b[0] != 0xf0 || b[1] != 242 {
		t.Fatalf("%d bytes, %x, %v", len(b), b[:2], err)
	}
	if got, ok := AppendJSON(nil, b, false); !ok || string(got) != "["+rule+"]" {
		t.Errorf("%s, %v", got, ok)
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct{ rules, want string }{
		{`7`, "no list of objects"}, {`[7]`, "no list of objects"}, {`[{}]`, "no component"}, {`[{"X":1}]`, `"X" is no component`},
		{`[{"LABEL":[{"op":"==","val":1}]}]`, `"LABEL" is no component`},
		{`[{"DST":7}]`, "no prefix"}, {`[{"DST":"2001:db8::/32"}]`, "no prefix"}, {`[{"DST":"10.0.0.0/0-8"}]`, "no prefix"}, {`[{"DST":"10.0.0.0/33"}]`, "no prefix"},
		{`[{"PROTO":6}]`, "no list like"}, {`[{"PROTO":[]}]`, "no list like"}, {`[{"PROTO":[{"op":"==","value":6}]}]`, "no list like"},
		{`[{"PROTO":[{"op":"=","val":6}]}]`, "no operator"}, {`[{"PROTO":[{"op":"ANY","val":6}]}]`, "no operator"}, {`[{"FRAG":[{"op":"==","val":6}]}]`, "no operator"},
		{`[{"PROTO":[{"op":"==","val":-1}]}]`, "no value"}, {`[{"PROTO":[{"op":"=="}]}]`, "no value"},
		{`[{"PROTO":[{"op":"==","val":256,"len":1}]}]`, "does not fit"}, {`[{"PROTO":[{"op":"==","val":1,"len":3}]}]`, "does not fit"},
		{`[{"PORT":[` + strings.Repeat(`{"op":"==","val":1},`, 2047) + `{"op":"==","val":1}]}]`, "at most 4095"},
	} {
		if b, err := Append(nil, []byte(test.rules), false); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60s is written as %x, %v", test.rules, b, err)
		}
	}
}

// FuzzRules: what has JSON is written as it was.
func FuzzRules(f *testing.F) {
	f.Add([]byte("\x0b\x01\x18\xc0\x00\x02\x03\x81\x06\x04\x81\x19"), false)
	f.Add([]byte("\x08\x01\x68\x40\x12\x34\x56\x78\x9a"), true)
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		text, ok := AppendJSON(nil, b, v6)
		if !ok {
			return
		}
		if back, err := Append(nil, text, v6); err != nil || !bytes.Equal(back, b) {
			t.Errorf("%x is %s, and back %x, %v", b, text, back, err)
		}
	})
}
