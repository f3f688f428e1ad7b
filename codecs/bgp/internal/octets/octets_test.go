package octets

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestNarrow(t *testing.T) {
	const extras = "400101 00" // an ORIGIN
	for name, test := range map[string]struct{ attrs, want string }{
		"nothing":               {"", ""},
		"numbers of two octets": {extras + "40020a 0202 0000fbf5 00000d1c", extras + "400206 0202 fbf5 0d1c"},
		"sets":                  {"400210 0201 0000fbf5 0102 00000001 00000002", "40020a 0201 fbf5 0102 0001 0002"},
		"one of four":           {"40020a 0202 0000fbf5 00030000" + extras, "400206 0202 fbf5 5ba0" + extras + "c0110a 0202 0000fbf5 00030000"},
		"there already":         {"400206 0201 00030000 c01106 0201 00030001", "400204 0201 5ba0 c01106 0201 00030001"},
		"aggregator":            {"c00708 0000fbf5 c0000201", "c00706 fbf5 c0000201"},
		"aggregator of four":    {"c00708 00030000 c0000201", "c00706 5ba0 c0000201 c01208 00030000 c0000201"},
		"an empty path":         {"400200", "400200"},
		"no path":               {"400205 0202 0000fb", "400205 0202 0000fb"},
		"no aggregator":         {"c00706 fbf5 c0000201", "c00706 fbf5 c0000201"},
		"a long length":         {"5002 0006 0201 0000fbf5", "5002 0004 0201 fbf5"},
	} {
		const withdrawn, reach = "0002 080a", "18c00002"
		body := func(attrs string) string {
			attrs = strings.ReplaceAll(attrs, " ", "")
			return strings.ReplaceAll(withdrawn, " ", "") + hex.EncodeToString([]byte{0, byte(len(attrs) / 2)}) + attrs + reach
		}
		b, err := hex.DecodeString(body(test.attrs))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Narrow(b); err != nil || hex.EncodeToString(got) != body(test.want) {
			t.Errorf("%s: %x, %v\nwant %s", name, got, err, body(test.want))
		}
	}
	many := strings.Repeat("02ff"+strings.Repeat("00030000", 255), 63)
	attr := "5002" + hex.EncodeToString([]byte{byte(len(many) / 2 >> 8), byte(len(many) / 2)}) + many
	b, _ := hex.DecodeString("0000" + hex.EncodeToString([]byte{byte(len(attr) / 2 >> 8), byte(len(attr) / 2)}) + attr)
	if got, err := Narrow(b); err == nil {
		t.Errorf("%d bytes become %d", len(b), len(got))
	}
}
