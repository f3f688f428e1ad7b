package deflate

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
	"github.com/flowrun/flowrun/runtime/flow"
)

func TestOffers(t *testing.T) {
	takeover, none := Options{On: true, ContextTakeover: true}, Options{On: true}
	for _, test := range []struct {
		offer  string
		with   *Options
		answer string
		agreed Agreed
	}{
		{"permessage-deflate", &takeover, "permessage-deflate", Agreed{true, true, 15}},
		{"permessage-deflate", &none, "permessage-deflate; server_no_context_takeover; client_no_context_takeover", Agreed{false, false, 15}},
		{"permessage-deflate", &Options{}, "", Agreed{}},
		{"", &takeover, "", Agreed{}},
		{"x-webkit-deflate-frame", &takeover, "", Agreed{}},
		{"permessage-deflate; client_max_window_bits", &takeover, "permessage-deflate", Agreed{true, true, 15}},
		{"permessage-deflate;client_max_window_bits=10;client_no_context_takeover", &takeover, "permessage-deflate; client_no_context_takeover", Agreed{true, false, 15}},
		{"permessage-deflate; server_max_window_bits=\"12\"; server_no_context_takeover", &takeover, "permessage-deflate; server_no_context_takeover; server_max_window_bits=12", Agreed{false, true, 12}},
		{"foo, permessage-deflate; server_max_window_bits=8, permessage-deflate", &takeover, "permessage-deflate; server_max_window_bits=8", Agreed{true, true, 8}},
		{"permessage-deflate; server_max_window_bits=7, permessage-deflate", &takeover, "permessage-deflate", Agreed{true, true, 15}},
		// What RFC 7692 does not know, or says twice, declines an offer.
		{"permessage-deflate; server_max_window_bits", &takeover, "", Agreed{}},
		{"permessage-deflate; server_max_window_bits=08", &takeover, "", Agreed{}},
		{"permessage-deflate; server_max_window_bits=16", &takeover, "", Agreed{}},
		{"permessage-deflate; server_no_context_takeover=1", &takeover, "", Agreed{}},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", &takeover, "", Agreed{}},
		{"permessage-deflate; level=9", &takeover, "", Agreed{}},
		{"permessage-deflate;", &takeover, "", Agreed{}},
	} {
		got, answer := test.with.Answer(http.Header{"Sec-Websocket-Extensions": strings.Split(test.offer, ", ")})
		if answer != test.answer || got != test.agreed {
			t.Errorf("%s: answered %q, %+v", test.offer, answer, got)
		}
	}
}

func FuzzOffer(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits; server_max_window_bits=10")
	f.Add("a, permessage-deflate;server_no_context_takeover=;=")
	f.Fuzz(func(t *testing.T, offer string) {
		o := Options{On: true, ContextTakeover: true}
		a, answer := o.Answer(http.Header{"Sec-Websocket-Extensions": {offer}})
		if answer == "" {
			return
		}
		// What is answered says the same when it is read as an offer.
		again, _ := o.Answer(http.Header{"Sec-Websocket-Extensions": {answer}})
		if again != a || a.Bits < 8 || a.Bits > 15 {
			t.Errorf("%q: %+v, and %q: %+v", offer, a, answer, again)
		}
	})
}

// FuzzCompress inflates what was compressed, with the window that was agreed.
func FuzzCompress(f *testing.F) {
	f.Add([]byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), []byte("aaaaaaaaaaaaaaaaaaaaaaaab"), uint8(8), true)
	f.Add(bytes.Repeat([]byte("0123456789abcdef"), 5000), []byte(strings.Repeat("x", 70000)), uint8(15), false)
	f.Fuzz(func(t *testing.T, one, two []byte, bits uint8, takeover bool) {
		d := &Deflater{Options: &Options{Level: 1, WindowBits: 9 + int(bits)%7}, Agreed: Agreed{Sends: takeover, Bits: 8 + int(bits)%8}}
		var before []byte
		for range 3 {
			for _, p := range [][]byte{one, two} {
				c := d.compress(p)
				if c == nil {
					continue // as it is
				}
				window := before[max(0, len(before)-1<<d.Bits):]
				if !takeover {
					window = nil
				}
				r := flate.NewReaderDict(io.MultiReader(bytes.NewReader(c.out), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")), window)
				got, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%d bytes became %d, %v", len(p), len(got), err)
				}
				c.release()
				before = append(before, p...)
			}
		}
		if len(d.window) > 1<<min(d.Bits, d.WindowBits) {
			t.Errorf("the window is %d bytes long", len(d.window))
		}
	})
}

// BenchmarkCompress compresses messages of a feed.
func BenchmarkCompress(b *testing.B) {
	var feed [64][]byte
	for i := range feed {
		feed[i] = fmt.Appendf(nil, `{"type":"quote","symbol":"SYM%d","bid":%d.%d,"ask":%d.%d,"time":"2024-01-01T10:%02d:00.%03dZ","venue":"main","flags":["a","b"],"last":{"price":%d.5,"size":100,"side":"buy"}}`, i%7, i*37%1000, i, i*41%1000, i, i%60, i*13%1000, i*11%1000)
	}
	for _, bits := range []int{0, 12, 15} {
		for _, level := range []int{1, 6} {
			b.Run(fmt.Sprintf("level=%d/window_bits=%d", level, bits), func(b *testing.B) {
				d := &Deflater{Options: &Options{Level: level, WindowBits: bits}, Agreed: Agreed{Sends: bits > 0, Bits: 15}}
				in, out := 0, 0
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					p := feed[i%len(feed)]
					in += len(p)
					if c := d.compress(p); c != nil {
						out += len(c.out)
						c.release()
					} else {
						out += len(p)
					}
				}
				b.ReportMetric(float64(out)/float64(in), "ratio")
			})
		}
	}
}

// What goes to all is compressed once, for those who can have it.
func TestSharedFrames(t *testing.T) {
	o := &Options{Level: 1, WindowBits: 15}
	message := bytes.Repeat([]byte("to all "), 100)
	var shared flow.Shared
	one, two := &Deflater{Options: o, Agreed: Agreed{Bits: 15}}, &Deflater{Options: o, Agreed: Agreed{Bits: 15}}
	own := &Deflater{Options: o, Agreed: Agreed{Bits: 9}}
	first := one.AppendFrame(nil, frame.Text, message, &shared, nil)
	made := shared.Form(func() any { t.Error("nothing was kept"); return nil }).([]byte)
	for name, spelled := range map[string][]byte{"first": first, "second": two.AppendFrame(nil, frame.Text, message, &shared, nil), "small window": own.AppendFrame(nil, frame.Text, message, &shared, nil)} {
		h, _ := frame.Parse(spelled)
		if h.First != frame.Fin|frame.RSV1|frame.Text || h.Total() != int64(len(spelled)) || name != "small window" && !bytes.Equal(spelled[h.Size:], made) {
			t.Errorf("%s: % x", name, spelled)
		}
	}
}

func BenchmarkShared(b *testing.B) {
	message := bytes.Repeat([]byte(`{"to":"all"},`), 20)
	d := &Deflater{Options: &Options{Level: 1}, Agreed: Agreed{Bits: 15}}
	var dst []byte
	for _, conns := range []int{1, 100} {
		b.Run(fmt.Sprint("each of ", conns), func(b *testing.B) {
			for b.Loop() {
				for range conns {
					dst = d.AppendFrame(dst[:0], frame.Text, message, nil, nil)
				}
			}
		})
		b.Run(fmt.Sprint("once for ", conns), func(b *testing.B) {
			for b.Loop() {
				var shared flow.Shared
				for range conns {
					dst = d.AppendFrame(dst[:0], frame.Text, message, &shared, nil)
				}
			}
		})
	}
}
