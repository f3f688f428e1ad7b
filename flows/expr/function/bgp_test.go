package function

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

const (
	announced = `{"dir":"R","type":"UPDATE","data":{"reach":["192.0.2.0/24","10.0.0.0/8"],"unreach":["198.51.100.0/25"],"attrs":{` +
		`"ASPATH":{"flags":"T","value":[64501,3356,[174,1299]]},"COMMUNITY":{"flags":"OT","value":["64501:100","65535:65281"]},` +
		`"LARGE_COMMUNITY":{"flags":"OT","value":["64501:1:2"]},` +
		`"MP_REACH":{"flags":"O","value":{"af":"IPV6/UNICAST","nexthop":"2001:db8::1","prefixes":["2001:db8::/32"]}},` +
		`"MP_UNREACH":{"flags":"O","value":{"af":"IPV6/UNICAST","prefixes":["#5#2001:db8:1::/48"]}}}},"tags":{}}`
	keepalive = `{"dir":"R","type":"KEEPALIVE","data":null,"tags":{}}`
	notify    = `{"dir":"R","type":"NOTIFY","data":"0x0602","tags":{}}`
	strange   = `{"type":"UPDATE","data":{"reach":5,"attrs":{"ASPATH":{"value":"0x030100000001"},"COMMUNITY":7,"MP_REACH":{"value":{"af":"IPV4/FLOWSPEC","data":"0x00"}}}}}`
)

// two is a message of a speaker that knows AS numbers of two octets only.
func two(path, path4, more string) string {
	return `{"type":"UPDATE","data":{"attrs":{"ASPATH":{"value":` + path + `},"AS4PATH":{"value":` + path4 + `}` + more + `}}}`
}

// TestPathsOfTwoOctets is RFC 6793, 4.2.3.
func TestPathsOfTwoOctets(t *testing.T) {
	const trans = `,"AGGREGATOR":{"value":{"asn":23456,"addr":"192.0.2.1"}},"AS4AGGREGATOR":{"value":{"asn":70000,"addr":"192.0.2.1"}}`
	const other = `,"AGGREGATOR":{"value":{"asn":64501,"addr":"192.0.2.1"}},"AS4AGGREGATOR":{"value":{"asn":70000,"addr":"192.0.2.1"}}`
	for _, c := range []struct{ path, path4, more, whole, origin string }{
		{`[1,23456,23456]`, `[70000,70001]`, ``, `[1,70000,70001]`, `70001`},
		{`[23456,23456]`, `[70000,70001]`, ``, `[70000,70001]`, `70001`},
		{`[23456]`, `[70000,70001]`, ``, `[23456]`, `23456`}, // it is longer: of something else
		{`[1,23456]`, `[]`, ``, `[1,23456]`, `23456`},
		// A set counts as one.
		{`[1,[23456,23456,2]]`, `[[70000,70001]]`, ``, `[1,70000,70001]`, `null`},
		{`[1,[2,23456],23456]`, `[70000]`, ``, `[1,2,23456,70000]`, `70000`},
		{`[23456,[2,23456]]`, `[70000,70001,70002]`, ``, `[23456,2,23456]`, `null`},
		{`[1,23456]`, `[[70000]]`, ``, `[1,70000]`, `70000`},
		// Who aggregated knows two octets, and nothing of what is in AS4PATH.
		{`[1,23456]`, `[70000]`, other, `[1,23456]`, `23456`},
		{`[1,23456]`, `[70000]`, trans, `[1,70000]`, `70000`},
		{`[1,23456]`, `[70000]`, `,"AGGREGATOR":{"value":{"asn":64501,"addr":"192.0.2.1"}}`, `[1,70000]`, `70000`},
		// A speaker of four octets has nothing to say in AS4PATH.
		{`[65536,23456]`, `[70000]`, ``, `[65536,23456]`, `23456`},
		{`[1,[2,65536]]`, `[3]`, ``, `[1,2,65536]`, `null`},
		// What could not be read is not there.
		{`[1,23456]`, `"0x0203"`, ``, `[1,23456]`, `23456`},
		{`"0x0203"`, `[1]`, ``, `null`, `null`},
		{`[1,23456]`, `["x"]`, ``, `!the list has a string in it, where only AS numbers are wanted`, `!only AS numbers`},
	} {
		of := `[` + two(c.path, c.path4, c.more) + `]`
		cases{{"as_path", of, c.whole}, {"as_origin", of, c.origin}}.run(t)
	}
}

func TestRoutes(t *testing.T) {
	cases{
		// A message, its data, a list, one prefix.
		{"prefix_overlaps", `[` + announced + `, "10.1.0.0/16"]`, `true`},
		{"prefix_overlaps", `[` + announced + `, "11.0.0.0/8"]`, `false`},
		{"prefix_overlaps", `[` + announced + `, "198.51.100.0/24"]`, `true`},
		{"prefix_overlaps", `[` + announced + `, ["11.0.0.0/8", "2001:db8:ffff::/48"]]`, `true`},
		{"prefix_overlaps", `[{"reach":["10.0.0.0/8"]}, "10.1.2.3"]`, `true`},
		{"prefix_overlaps", `[["11.0.0.0/8", "10.0.0.0/8"], "10.1.2.3"]`, `true`},
		{"prefix_overlaps", `["10.0.0.0/8", "0.0.0.0/0"]`, `true`},
		{"prefix_overlaps", `["10.0.0.0/8", "::/0"]`, `false`},
		{"prefix_overlaps", `["10.0.0.0/8", []]`, `false`},
		{"prefix_within", `[` + announced + `, "192.0.0.0/8"]`, `true`},
		{"prefix_within", `[` + announced + `, "192.0.2.0/24"]`, `true`},
		{"prefix_within", `[` + announced + `, "192.0.2.0/25"]`, `false`},
		{"prefix_within", `[` + announced + `, "2001:db8:1::/48"]`, `true`},
		{"prefix_covers", `[` + announced + `, "192.0.2.0/25"]`, `true`},
		{"prefix_covers", `[` + announced + `, "192.0.2.7"]`, `true`},
		{"prefix_covers", `[` + announced + `, "192.0.0.0/8"]`, `false`},
		{"prefix_covers", `["#1#10.0.0.0/8", "10.0.0.0/8"]`, `true`},
		{"prefixes", `[` + announced + `]`, `["192.0.2.0/24","10.0.0.0/8","198.51.100.0/25","2001:db8::/32","2001:db8:1::/48"]`},
		{"as_path", `[` + announced + `]`, `[64501,3356,174,1299]`},
		{"as_path", `[[64501, [], [174]]]`, `[64501,174]`},
		{"as_path", `[[64501, [174]]]`, `[64501,174]`},
		{"as_path", `[[[], [174, 1299]]]`, `[174,1299]`},
		{"as_path", `[[]]`, `[]`},
		{"as_origin", `[` + announced + `]`, `null`},
		{"as_origin", `[[64501, 3356]]`, `3356`},
		{"as_origin", `[[64501, [174]]]`, `174`},
		{"as_origin", `[[]]`, `null`},
		{"as_origin", `[[[]]]`, `null`},
		{"as_origin", `[[64501, []]]`, `null`},
		{"community", `[` + announced + `, "64501:100"]`, `true`},
		{"community", `[` + announced + `, "64501:*"]`, `true`},
		{"community", `[` + announced + `, "*:100"]`, `true`},
		{"community", `[` + announced + `, "64502:*"]`, `false`},
		{"community", `[` + announced + `, "no-export"]`, `true`},
		{"community", `[` + announced + `, "64501:*:2"]`, `true`},
		{"community", `[` + announced + `, "64501:*:3"]`, `false`},
		{"community", `[` + announced + `, ["1:1", "64501:1:2"]]`, `true`},
		{"community", `[["1:1"], "1:1"]`, `true`},
		{"community", `["1:1:1", "1:1"]`, `false`},

		// What is not there.
		{"prefix_within", `[` + keepalive + `, "0.0.0.0/0"]`, `false`},
		{"prefix_within", `[` + notify + `, "0.0.0.0/0"]`, `false`},
		{"prefix_within", `[` + strange + `, "0.0.0.0/0"]`, `false`},
		{"prefix_within", `[{}, "0.0.0.0/0"]`, `false`},
		{"prefix_within", `[null, "0.0.0.0/0"]`, `null`},
		{"prefix_within", `["10.0.0.0/8", null]`, `null`},
		{"prefixes", `[` + keepalive + `]`, `[]`},
		{"prefixes", `[` + strange + `]`, `[]`},
		{"as_path", `[` + keepalive + `]`, `null`},
		{"as_path", `[` + strange + `]`, `null`},
		{"as_origin", `[` + strange + `]`, `null`},
		{"as_origin", `[null]`, `null`},
		{"community", `[` + strange + `, "1:1"]`, `false`},
		{"community", `[` + notify + `, "1:1"]`, `false`},

		// What is wrong.
		{"prefix_within", `[["10.0.0.0/8", 7], "11.0.0.0/8"]`, `!the list has a number in it, where only prefixes are wanted`},
		{"prefix_within", `[["10.0.0.0/40"], "11.0.0.0/8"]`, `!no prefix`},
		{"prefix_within", `["10.0.0.0/8", "10"]`, `!no IP address and no prefix`},
		{"prefix_within", `["10.0.0.0/8", [7]]`, `!only prefixes are wanted`},
		{"prefix_within", `[7, "10.0.0.0/8"]`, `!must be a string, a list or an object, not a number`},
		{"as_path", `[[64501, "3356"]]`, `!the list has a string in it, where only AS numbers are wanted`},
		{"as_origin", `[[[null]]]`, `!only AS numbers are wanted`},
		{"as_path", `["64501"]`, `!must be a list or an object, not a string`},
		{"community", `["1:1", "1"]`, `!no community such as`},
		{"community", `["1:1", "1:65536"]`, `!no community such as`},
		{"community", `["1:1", "1:2:3:4"]`, `!no community such as`},
		{"community", `["1:1", ":1"]`, `!no community such as`},
		{"community", `["1:*", "1:1"]`, `!what should be a community is none`},
		{"community", `[["1:1", 1], "1:2"]`, `!only communities are wanted`},
	}.run(t)
}

// FuzzPrefixes holds the relations of prefixes against package netip.
func FuzzPrefixes(f *testing.F) {
	f.Add("10.0.0.0/8", "10.1.0.0/16")
	f.Add("2001:db8::/32", "2001:db8::1")
	f.Add("0.0.0.0/0", "::/0")
	f.Add("#7#10.1.2.3/8", "10.9.0.0/16")
	f.Fuzz(func(t *testing.T, a, b string) {
		of := a
		if rest, ok := strings.CutPrefix(a, "#"); ok { // a path identifier
			_, of, _ = strings.Cut(rest, "#")
		}
		p, okA := oracle(of)
		q, okB := oracle(b)
		for name, want := range map[string]bool{
			"prefix_overlaps": p.Overlaps(q),
			"prefix_within":   p.Overlaps(q) && p.Bits() >= q.Bits(),
			"prefix_covers":   p.Overlaps(q) && p.Bits() <= q.Bits(),
		} {
			got, err := Find(name).Invoke(flow.TextOf(a), flow.TextOf(b))
			switch {
			case (err == nil) != (okA && okB):
				t.Errorf("%s(%q, %q): %v", name, a, b, err)
			case err == nil && got.Bool() != want:
				t.Errorf("%s(%q, %q) is %v", name, a, b, got.Bool())
			}
			if err != nil && len(a) > 12 && strings.Contains(err.Error(), a) {
				t.Errorf("an error quotes what was given: %v", err)
			}
		}
	})
}

// oracle is s as package netip reads it, without host bits and zone.
func oracle(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || strings.Contains(s, "/") {
		return netip.Prefix{}, false
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), true
}
