package rfc7692

import (
	"bytes"
	"testing"
)

func TestTerms(t *testing.T) {
	modes := []string{Off, NoContextTakeover, ContextTakeover}
	for _, client := range modes[1:] {
		for _, server := range modes {
			t.Run(client+" and "+server, func(t *testing.T) {
				serves, answer := Answer(server, Offer(client)+"; client_max_window_bits, x")
				if (server == Off) != (answer == "") {
					t.Fatalf("the answer is %q", answer)
				}
				if answer == "" {
					return
				}
				dials, err := Agreed(client, answer)
				both := client == ContextTakeover && server == ContextTakeover
				if err != nil || dials != serves || dials != (Terms{both, both}) {
					t.Errorf("%q: %+v and %+v, %v", answer, dials, serves, err)
				}
			})
		}
	}
	for _, answer := range []string{"x", "permessage-deflate; server_max_window_bits=9", "permessage-deflate"} {
		if _, err := Agreed(NoContextTakeover, answer); err == nil {
			t.Errorf("%q is taken", answer)
		}
	}
}

func FuzzInflate(f *testing.F) {
	f.Add([]byte("a message"), []byte("another message"), true)
	f.Add([]byte{}, bytes.Repeat([]byte("long "), 20000), false)
	f.Fuzz(func(t *testing.T, one, two []byte, takeover bool) {
		d, i := Deflater{Takeover: takeover}, Inflater{Takeover: takeover}
		for _, p := range [][]byte{one, two, one} {
			got, err := i.Inflate(d.Deflate(p), int64(len(p)))
			if err != nil || !bytes.Equal(got, p) {
				t.Fatalf("%q became %q, %v", p, got, err)
			}
		}
		if bomb, err := i.Inflate(d.Deflate(append(one, 'x')), int64(len(one))); err == nil && len(bomb) > len(one)+1 {
			t.Errorf("%d bytes were inflated, not %d", len(bomb), len(one))
		}
		_, _ = i.Inflate(one, 1000) // whatever it is
	})
}
