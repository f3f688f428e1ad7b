package bgp

import (
	"strconv"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
)

// Routers agree on path identifiers between themselves: a session that passes through
// loses nothing, whatever its flow says.
func TestPathIdentifiers(t *testing.T) {
	head := unhexed(t, mark16)
	with1 := head + unhexed(t, "002b 02 0000 0004 40010100 00000001 18c00002 00000002 18c00003")
	without := head + unhexed(t, "001f 02 0000 0004 40010100 18c00002")
	for _, test := range []struct {
		raw, reach string
		addPath    bool
	}{
		{with1, `["#1#192.0.2.0/24","#2#192.0.3.0/24"]`, true},
		{with1, `["#1#192.0.2.0/24","#2#192.0.3.0/24"]`, false},
		{without, `["192.0.2.0/24"]`, false},
		{without, `["192.0.2.0/24"]`, true},
	} {
		c := with("raw", func(c *config) { c.AddPath = strconv.FormatBool(test.addPath) })
		e, err := decode(t, c, test.raw)
		if err != nil {
			t.Errorf("add_path %v: %x: %v", test.addPath, test.raw, err)
			continue
		}
		if b, err := codectest.Of(t, c).Encode(nil, &e); err != nil || string(b) != test.raw {
			t.Errorf("add_path %v: %x becomes %x, %v", test.addPath, test.raw, b, err)
		}
		mrt, err := codectest.Of(t, with("mrt", nil)).Encode(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(t, with("mrt", nil), string(mrt))
		if got := shown(t, &e); !strings.Contains(got, test.reach) || err != nil || !strings.Contains(shown(t, &again), test.reach) {
			t.Errorf("add_path %v: %x is %s, and by way of MRT %s, %v", test.addPath, test.raw, got, shown(t, &again), err)
		}
	}
}
