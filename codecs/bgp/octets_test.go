package bgp

import (
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// A session of speakers that know AS numbers of two octets passes through as it is.
func TestTwoOctets(t *testing.T) {
	two := func() *config { return with("raw", func(c *config) { c.AS4 = "false" }) }
	head := unhexed(t, mark16)
	raw := head + unhexed(t, "003a 02 0000 001f 40010100 400206 0202 fbf55ba0 c00706 fbf5c0000201 c01106 0201 00030000 18c00002")
	e, err := decode(t, two(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := codectest.Of(t, two()).Encode(nil, &e); err != nil || string(b) != raw {
		t.Errorf("%x becomes %x, %v", raw, b, err)
	}
	// So does what is made of JSON, or of a session of four.
	v, _ := jsontext.Parse([]byte(shown(t, &e)))
	if b, err := codectest.Of(t, two()).Encode(nil, &flow.Event{Value: v}); err != nil || string(b) != raw {
		t.Errorf("by way of JSON it becomes %x, %v", b, err)
	}
	e, err = decode(t, with("raw", nil), head+unhexed(t, "002c 02 0000 0011 40010100 40020a 0202 0000fbf5 00030000 18c00002"))
	if err != nil {
		t.Fatal(err)
	}
	want := head + unhexed(t, "0035 02 0000 001a 40010100 400206 0202 fbf55ba0 c0110a 0202 0000fbf5 00030000 18c00002")
	if b, err := codectest.Of(t, two()).Encode(nil, &e); err != nil || string(b) != want {
		t.Errorf("of four octets it becomes %x, %v\nwant %x", b, err, want)
	}
	v, _ = jsontext.Parse([]byte(`{"type":"UPDATE","data":"0x0102"}`)) // what is hexadecimal stays as it is
	if b, err := codectest.Of(t, two()).Encode(nil, &flow.Event{Value: v}); err != nil || string(b) != head+unhexed(t, "0015 02 0102") {
		t.Errorf("%x, %v", b, err)
	}
}
