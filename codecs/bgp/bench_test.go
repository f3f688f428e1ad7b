package bgp

import (
	"bytes"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// jsonUpdate is an UPDATE as bgpipe sends it.
const jsonUpdate = `["R",243,"2026-07-13T00:00:00.037","UPDATE",` + `{"reach":["192.0.2.0/24","198.51.100.0/22"],"attrs":{"ORIGIN":{"flags":"T","value":"IGP"},` +
	`"ASPATH":{"flags":"T","value":[64501,3356,1299,174]},"NEXTHOP":{"flags":"T","value":"192.0.2.1"},"MED":{"flags":"O","value":5},` +
	`"COMMUNITY":{"flags":"OT","value":["64501:100","64501:200","3356:2"]}}},{"PEER_IP":"192.0.2.1","PEER_AS":"64501","COLLECTOR":"rv2","ROUTER":"192.0.2.9"}]`

func BenchmarkTranscode(b *testing.B) {
	first := flow.Event{Time: codectest.Arrival}
	if err := codectest.Of(b, with("json", nil)).Decode(&first, []byte(jsonUpdate)); err != nil {
		b.Fatal(err)
	}
	for _, from := range formats {
		frame, err := codectest.Of(b, with(from, nil)).Encode(nil, &first)
		if err != nil {
			b.Fatal(err)
		}
		if from == "exa" { // one of its lines is a message
			frame, _, _ = bytes.Cut(frame, []byte("\n"))
		}
		for _, to := range formats {
			b.Run(from+" to "+to, func(b *testing.B) {
				in, out := codectest.Of(b, with(from, nil)), codectest.Of(b, with(to, nil))
				var dst []byte
				b.ReportAllocs()
				for b.Loop() {
					e := flow.Event{Time: codectest.Arrival}
					if err := in.Decode(&e, frame); err != nil {
						b.Fatal(err)
					}
					if dst, err = out.Encode(dst[:0], &e); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What is made for a message from JSON is its copy, and the few parts of it that
// a flow sees; nothing is made to write it.
func TestAllocations(t *testing.T) {
	in, out := codectest.Of(t, with("json", nil)), codectest.Of(t, with("obmp", nil))
	var e flow.Event
	decoded := testing.AllocsPerRun(100, func() {
		e = flow.Event{Time: codectest.Arrival}
		if err := in.Decode(&e, []byte(jsonUpdate)); err != nil {
			t.Fatal(err)
		}
	})
	var dst []byte
	encoded := testing.AllocsPerRun(100, func() {
		var err error
		if dst, err = out.Encode(dst[:0], &e); err != nil {
			t.Fatal(err)
		}
	})
	if (decoded > 9 || encoded > 0) && !flowtest.RaceDetector {
		t.Errorf("%v allocations to decode, %v to encode", decoded, encoded)
	}
}
