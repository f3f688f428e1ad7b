package attribute

import "testing"

func TestSpelling(t *testing.T) {
	for code := range 256 {
		name := Name(uint8(code))
		if back, err := Code(name); err != nil || int(back) != code {
			t.Errorf("%d is %s, and that %d, %v", code, name, back, err)
		}
	}
	for flags := range 256 {
		text := string(AppendFlags(nil, uint8(flags)))
		if back, err := ParseFlags(text); err != nil || int(back) != flags {
			t.Errorf("%#x is %s, and that %#x, %v", flags, text, back, err)
		}
	}
	for _, bad := range []string{"A", "16", "T-1", "t"} {
		if flags, err := ParseFlags(bad); err == nil {
			t.Errorf("%s is %#x", bad, flags)
		}
	}
	for _, bad := range []string{"", "ASPATHS", "ATTR_", "ATTR_256", "5"} {
		if code, err := Code(bad); err == nil {
			t.Errorf("%s is %d", bad, code)
		}
	}
}

// Of an attribute of the RFCs, those that are there are well-known, optional and
// transitive, or neither.
func TestDefaultFlags(t *testing.T) {
	for flags, names := range map[string][]string{
		"T":  {"ORIGIN", "ASPATH", "NEXTHOP", "LOCALPREF", "AGGREGATE"},
		"OT": {"AGGREGATOR", "COMMUNITY", "EXT_COMMUNITY", "AS4PATH", "AS4AGGREGATOR", "LARGE_COMMUNITY", "OTC", "PREFIX_SID", "TUNNEL"},
		"O":  {"MED", "ORIGINATOR", "CLUSTER_LIST", "MP_REACH", "MP_UNREACH", "AIGP", "BGP_LS"},
	} {
		for _, name := range names {
			code, err := Code(name)
			if got := string(AppendFlags(nil, DefaultFlags(code))); err != nil || got != flags {
				t.Errorf("%s has %s, not %s, %v", name, got, flags, err)
			}
		}
	}
}
