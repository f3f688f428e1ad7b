package bgp

import (
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
)

// Older bgpipes have the length of the body as well, which says nothing.
func TestOlderJSON(t *testing.T) {
	for older, now := range map[string]string{
		`["R",2,"2026-07-13T00:00:00.037",-1,"UPDATE",{"reach":["192.0.2.0/24"]},{"a":"b"}]`: `["R",2,"2026-07-13T00:00:00.037","UPDATE",{"reach":["192.0.2.0/24"]},{"a":"b"}]`,
		`["L",3,"2026-07-13T00:00:00.037",0,"KEEPALIVE",null,null]`:                          `["L",3,"2026-07-13T00:00:00.037","KEEPALIVE",null,{}]`,
	} {
		e, err := decode(t, with("json", nil), older)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := codectest.Of(t, with("json", nil)).Encode(nil, &e); err != nil || string(b) != now {
			t.Errorf("%s became %s, %v", older, b, err)
		}
	}
}
