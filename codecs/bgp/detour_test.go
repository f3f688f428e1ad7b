package bgp

import (
	"slices"
	"strconv"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
)

// FuzzDetour: an UPDATE that makes a detour as JSON, in a session whose OPENs pass there too,
// comes back as it went.
func FuzzDetour(f *testing.F) {
	for _, message := range []string{eitherWay, numbered4, either6, numbered6, path2, aggregated2} {
		f.Add([]byte(unhexed(f, message)[19:]))
	}
	f.Add([]byte(rawUpdate(f)[19:]))
	f.Add([]byte(unhexed(f, "0000 0020 40010100 400212 0201 0000fbf5 0201 00000d1c 0101 000000ae c00706 fbf5c0000201 20c00002")))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 4096-19 {
			return
		}
		codes := attrsOf(body)
		if slices.ContainsFunc(codes[:], func(n int) bool { return n > 1 }) {
			return // the first one counts (RFC 7606), which is what goes on
		}
		in := codectest.Of(t, with("raw", nil))
		back := codectest.Of(t, with("json", nil)).(*codec)
		n := 19 + len(body)
		message := append([]byte(marker), byte(n>>8), byte(n), 2)
		message = append(message, body...)
		var e, returned flow.Event
		if in.Decode(&e, message) != nil {
			return
		}
		asJSON, err := codectest.Of(t, with("json", nil)).Encode(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := e.Value.Object().Get("data")
		raw, _, _ := data.Encoded()
		back.spoken = spoken{as: layoutOf(raw).AS2, ids: true}
		if err = back.Decode(&returned, asJSON); err != nil {
			t.Fatalf("%s: %v", asJSON, err)
		}
		got, err := codectest.Of(t, with("raw", nil)).Encode(nil, &returned)
		same := err == nil && len(got) == len(message)
		for i := 0; same && i < len(got); i++ {
			same = got[i]&^message[i] == 0 // bits behind a prefix's length become 0
		}
		if !same && codes[2]+codes[17] > 0 { // of paths, sequences that follow each other have become one
			again, wrong := decode(t, with("raw", func(c *config) { c.AS4 = strconv.FormatBool(!back.spoken.as) }), string(got))
			shorter, _ := codectest.Of(t, with("json", nil)).Encode(nil, &again)
			same = wrong == nil && string(shorter) == string(asJSON)
		}
		if !same {
			t.Fatalf("%s\n%x became\n%x, %v", asJSON, message, got, err)
		}
	})
}

// attrsOf counts the attributes of an UPDATE.
func attrsOf(body []byte) (codes [256]int) {
	if len(body) < 2 || len(body) < 4+int(body[0])<<8+int(body[1]) {
		return codes
	}
	for attrs := body[4+int(body[0])<<8+int(body[1]):]; len(attrs) >= 3; {
		n := 3 + int(attrs[2])
		if attrs[0]&0x10 != 0 && len(attrs) > 3 {
			n = 4 + int(attrs[2])<<8 + int(attrs[3])
		}
		codes[attrs[1]]++
		attrs = attrs[min(n, len(attrs)):]
	}
	return codes
}

// FuzzSession: whatever has come before on a connection, what is read of a message can be
// shown, and as long as it is raw it goes on as it came.
func FuzzSession(f *testing.F) {
	for i := range formats {
		f.Add([]byte(openOf(f, 1, as4+both46)), []byte(openOf(f, 2, sends4)), []byte(unhexed(f, numbered6)), uint8(i))
	}
	up := bmpMessage(3, peerHeader(0, 1)+string(make([]byte, 20))+openOf(f, 9, receives4)+openOf(f, 1, as4+sends4))
	f.Add([]byte(up), []byte(bmpMessage(2, peerHeader(0, 1))), []byte(bmpMessage(0, peerHeader(0, 1)+unhexed(f, numbered4))), uint8(4))
	f.Fuzz(func(t *testing.T, one, two, three []byte, which uint8) {
		format := formats[int(which)%len(formats)]
		in := codectest.Of(t, with(format, func(c *config) { c.MaxPeers = 1 }))
		for _, message := range [][]byte{one, two, three} {
			var e flow.Event
			if in.Decode(&e, message) != nil {
				continue
			}
			if b, err := codectest.Of(t, with(format, nil)).Encode(nil, &e); format == "raw" && (err != nil || string(b) != string(message)) {
				t.Fatalf("%x leaves as %x, %v", message, b, err)
			}
			if b, err := codectest.Of(t, with("json", nil)).Encode(nil, &e); err == nil {
				if _, err = decode(t, with("json", nil), string(b)); err != nil {
					t.Fatalf("%x is %s: %v", message, b, err)
				}
			} else if format != "json" && format != "exa" {
				t.Fatalf("%x has no JSON: %v", message, err)
			}
		}
	})
}
