package bgp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
)

// openOf is an OPEN of a speaker with that identifier and those capabilities.
func openOf(t testing.TB, id byte, caps string) string {
	t.Helper()
	list := unhexed(t, caps)
	params := ""
	if list != "" {
		params = string([]byte{2, byte(len(list))}) + list
	}
	body := unhexed(t, "04 fbf5 005a c00002") + string([]byte{id, byte(len(params))}) + params
	return unhexed(t, mark16) + string([]byte{0, byte(19 + len(body)), 1}) + body
}

// What routers offer in their OPENs.
const (
	as4         = "4104 0000fbf5"
	sends4      = "4504 00010102"
	receives4   = "4504 00010101"
	both46      = "4508 00010103 00020103"
	keepalive   = mark16 + "0013 04"
	eitherWay   = mark16 + "001f 02 0000 0000 18c00002 18c00003" // two prefixes, or one with an identifier
	numbered4   = mark16 + "0027 02 0000 0000 00000001 18c00002 00000002 18c00003"
	plain       = `"reach":["192.0.2.0/24","192.0.3.0/24"]`
	identified  = `"reach":["#415236098#192.0.3.0/24"]`
	numbered    = `"reach":["#1#192.0.2.0/24","#2#192.0.3.0/24"]`
	either6     = mark16 + "003d 02 0000 0026 40010100 800e1f 0002 01 10 20010db8000000000000000000000001 00 2020010db8 2020010db9"
	plain6      = `"prefixes":["2001:db8::/32","2001:db9::/32"]`
	numbered6   = mark16 + "0041 02 0000 002a 40010100 800e23 0002 01 10 20010db8000000000000000000000001 00 00000001 2020010db8 00000001 00"
	numbers6    = `"prefixes":["#1#2001:db8::/32","#1#::/0"]`
	path2       = mark16 + "0026 02 0000 000b 40010100 400204 0201 fbf5 18c00002"
	aggregated2 = mark16 + "002b 02 0000 0010 40010100 400200 c00706 fbf5 c0000201 18c00002"
)

// OPENs say how the UPDATEs of their session are laid out, and what OPENs leave open the
// UPDATEs say themselves, where they can be read one way only.
func TestOpensAreLearned(t *testing.T) {
	for _, test := range []struct {
		name    string
		opens   []string
		message string
		want    string
		written func(*config)
	}{
		{"nothing is known", nil, eitherWay, plain, nil},
		{"nothing is known, and identifiers are there", nil, numbered4, numbered, nil},
		{"nothing is known of IPv6", nil, either6, plain6, nil},
		{"nothing is known, and IPv6 has identifiers", nil, numbered6, numbers6, nil},
		{"both agree", []string{openOf(t, 1, as4+both46), openOf(t, 2, as4+both46)}, eitherWay, identified, nil},
		{"one way", []string{openOf(t, 1, as4+sends4), openOf(t, 2, as4+receives4)}, eitherWay, plain, nil},
		{"one way, and identifiers are there", []string{openOf(t, 1, as4+sends4), openOf(t, 2, as4+receives4)}, numbered4, numbered, nil},
		{"one offers", []string{openOf(t, 1, as4+both46)}, numbered4, numbered, nil},
		{"one offers, and there are none", []string{openOf(t, 1, as4+both46)}, eitherWay, plain, nil},
		{"the other declines", []string{openOf(t, 1, as4+both46), openOf(t, 2, as4)}, eitherWay, plain, nil},
		{"a new session", []string{openOf(t, 1, as4+both46), openOf(t, 2, as4+both46), unhexed(t, keepalive), openOf(t, 1, as4)}, eitherWay, plain, nil},
		{"the same speaker again", []string{openOf(t, 1, as4), openOf(t, 1, as4+both46), openOf(t, 2, as4+both46)}, eitherWay, identified, nil},
		{"the flow says no", []string{openOf(t, 1, as4+both46), openOf(t, 2, as4+both46)}, eitherWay, plain, func(c *config) { c.AddPath = "false" }},
		{"the flow says yes", nil, eitherWay, identified, func(c *config) { c.AddPath = "true" }},
		{"a type that is left out is learned from", []string{openOf(t, 1, as4+both46), openOf(t, 2, as4+both46)}, eitherWay, identified, func(c *config) { c.Types = []string{"UPDATE"} }},
		{"two octets", []string{openOf(t, 1, "")}, path2, `"ASPATH":{"flags":"T","value":[64501]}`, nil},
		{"two octets, which the path tells", nil, path2, `"ASPATH":{"flags":"T","value":[64501]}`, nil},
		{"two octets, which the aggregator tells", []string{openOf(t, 1, as4)}, aggregated2, `"AGGREGATOR":{"flags":"OT","value":{"asn":64501,"addr":"192.0.2.1"}}`, nil},
		{"the flow says four octets", []string{openOf(t, 1, "")}, path2, `"ASPATH":{"flags":"T","value":"0x0201fbf5"}`, func(c *config) { c.AS4 = "true" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := with("raw", test.written)
			codec := codectest.Of(t, c)
			for _, open := range test.opens {
				if err := codec.Decode(&flow.Event{}, []byte(open)); err != nil && c.Types == nil {
					t.Fatal(err)
				}
			}
			var e flow.Event
			message := test.message
			if strings.HasPrefix(message, mark16) {
				message = unhexed(t, message)
			}
			if err := codec.Decode(&e, []byte(message)); err != nil {
				t.Fatal(err)
			}
			if got := shown(t, &e); !strings.Contains(got, test.want) {
				t.Errorf("it is %s\nwant %s", got, test.want)
			}
			// To the session's other end it goes on as it came.
			if b, err := codectest.Of(t, with("raw", nil)).Encode(nil, &e); err != nil || string(b) != message {
				t.Errorf("%x becomes %x, %v", message, b, err)
			}
			mrt, err := codectest.Of(t, with("mrt", nil)).Encode(nil, &e)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := decode(t, with("mrt", nil), string(mrt)); err != nil || test.want != identified && !strings.Contains(shown(t, &again), test.want) {
				t.Errorf("by way of MRT it is %s, %v", shown(t, &again), err)
			}
		})
	}
}

// A session that makes a detour as JSON comes back as it was: its OPENs pass there too.
func TestDetourAsJSON(t *testing.T) {
	for _, test := range []struct{ left, right, message string }{
		{as4 + both46, as4 + both46, numbered4},
		{as4 + both46, as4 + both46, numbered6},
		{as4 + sends4, as4 + receives4, numbered4},
		{as4, "", path2},
		{"", both46, path2},
		{sends4, receives4, numbered4},
		{as4, as4, either6},
	} {
		left, right := codectest.Of(t, with("raw", nil)), codectest.Of(t, with("raw", func(c *config) { c.Dir = "L" }))
		there, back := codectest.Of(t, with("json", nil)), codectest.Of(t, with("json", nil))
		detour := func(from flow.Codec, message string) string {
			var e, returned flow.Event
			if err := from.Decode(&e, []byte(message)); err != nil {
				t.Fatal(err)
			}
			asJSON, err := there.Encode(nil, &e)
			if err == nil {
				err = back.Decode(&returned, asJSON)
			}
			if err != nil {
				t.Fatalf("%s: %v", asJSON, err)
			}
			b, err := codectest.Of(t, with("raw", nil)).Encode(nil, &returned)
			if err != nil {
				t.Fatal(err)
			}
			// To who reads JSON it is no other than before.
			if again, err := there.Encode(nil, &returned); err != nil || string(again) != string(asJSON) {
				t.Errorf("%s becomes %s, %v", asJSON, again, err)
			}
			return string(b)
		}
		messages := []struct {
			from    flow.Codec
			message string
		}{{left, openOf(t, 1, test.left)}, {right, openOf(t, 2, test.right)}, {left, unhexed(t, test.message)}}
		for _, m := range messages {
			if got := detour(m.from, m.message); got != m.message {
				t.Errorf("%q and %q: %x becomes %x", test.left, test.right, m.message, got)
			}
		}
	}
}

// peerHeader is the header that each message of a router about one of its peers has.
func peerHeader(flags, peer byte) string {
	return "\x00" + string(flags) + strings.Repeat("\x00", 8+12) + "\xc0\x00\x02" + string([]byte{peer}) + "\x00\x00\xfb\xf5" + strings.Repeat("\x00", 4+8)
}

func bmpMessage(typ byte, body string) string {
	return "\x03\x00\x00" + string([]byte{byte((6 + len(body)) >> 8), byte(6 + len(body)), typ}) + body
}

// A router that is monitored tells of the OPENs of its peers.
func TestPeersAreLearned(t *testing.T) {
	up := func(peer byte, sent, received string) string {
		return bmpMessage(3, peerHeader(0, peer)+strings.Repeat("\x00", 20)+openOf(t, 9, sent)+openOf(t, peer, received))
	}
	update := func(flags, peer byte) string { return bmpMessage(0, peerHeader(flags, peer)+unhexed(t, eitherWay)) }
	const out = 0x10
	for _, obmp := range []bool{false, true} {
		format, wrap := "bmp", func(s string) string { return s }
		if obmp {
			format, wrap = "obmp", func(s string) string {
				head := "OBMP\x01\x07\x00\x4e" + string([]byte{0, 0, byte(len(s) >> 8), byte(len(s))}) + "\x80\x0c" + strings.Repeat("\x00", 8+16+2+16+16+2+4)
				return head + s
			}
		}
		codec := codectest.Of(t, with(format, func(c *config) { c.MaxPeers = 2 }))
		send := func(message string) string {
			t.Helper()
			e := flow.Event{Time: codectest.Arrival}
			err := codec.Decode(&e, []byte(wrap(message)))
			switch {
			case err == errNoEvent:
				return ""
			case err != nil:
				t.Fatal(err)
			}
			// Outwards it is as the router has it.
			if b, err := codectest.Of(t, with("raw", nil)).Encode(nil, &e); err != nil || string(b) != unhexed(t, eitherWay) {
				t.Errorf("%s: it becomes %x, %v", format, b, err)
			}
			return shown(t, &e)
		}
		for i, step := range []struct{ message, want string }{
			{update(0, 1), plain},
			{up(1, as4+receives4, as4+sends4), ""},
			{update(0, 1), identified},
			{update(out, 1), plain},
			{update(0, 2), plain},
			{up(2, as4+sends4, as4+receives4), ""},
			{update(0, 2), plain},
			{update(out, 2), identified},
			{bmpMessage(2, peerHeader(0, 1)+"\x01"), ""},
			{update(0, 1), plain},
			{up(1, as4+receives4, as4), ""},
			{up(1, as4+receives4, as4+sends4), ""},
			{update(0, 1), identified},
			{bmpMessage(3, peerHeader(0, 1)+"cut off"), ""},
			{update(0, 1), plain},
		} {
			if got := send(step.message); step.want == "" && got != "" || !strings.Contains(got, step.want) {
				t.Errorf("%s, step %d: it is %s, want %s", format, i, got, step.want)
			}
		}
		// However many come up, no more than max_peers are remembered.
		send(bmpMessage(2, peerHeader(0, 2)+"\x01"))
		for peer := byte(10); peer < 20; peer++ {
			send(up(peer, as4+receives4, as4+sends4))
		}
		remembered := 0
		for peer := byte(10); peer < 20; peer++ {
			if strings.Contains(send(update(0, peer)), identified) {
				remembered++
			}
		}
		if remembered != 2 {
			t.Errorf("%s: of 10 peers %d are remembered", format, remembered)
		}
	}
}

// Of a family all prefixes have an identifier or none: bytes could not say anything else.
func TestMixedIdentifiers(t *testing.T) {
	for _, data := range []string{
		`{"reach":["#1#192.0.2.0/24","192.0.3.0/24"]}`, `{"reach":["192.0.2.0/24","#1#192.0.3.0/24"]}`, `{"reach":["#1#192.0.2.0/24"],"unreach":["192.0.3.0/24"]}`,
	} {
		e, err := decode(t, with("json", nil), fmt.Sprintf(`["R",1,"","UPDATE",%s,{}]`, data))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := codectest.Of(t, with("mrt", nil)).Encode(nil, &e); err == nil || !strings.Contains(err.Error(), "either all prefixes have a path identifier or none") {
			t.Errorf("%s is written as %x, %v", data, b, err)
		}
		for _, written := range []string{"true", "false"} {
			if _, err := codectest.Of(t, with("raw", func(c *config) { c.AddPath = written })).Encode(nil, &e); err != nil {
				t.Errorf("add_path %s: %v", written, err)
			}
		}
	}
}
