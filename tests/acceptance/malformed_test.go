package acceptance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/tests/wire"
)

// malformedAmong is how many good messages TestMalformed sends of each format;
// FLOWRUN_MALFORMED_AMONG=1000000 is a long one. For a thousand of them there is one
// that is malformed, and a hundred in all at least.
var malformedAmong = func() int {
	if n, err := strconv.Atoi(os.Getenv("FLOWRUN_MALFORMED_AMONG")); err == nil {
		return n
	}
	return 20_000
}()

// mistake is a message that is none, and what must be said of it.
type mistake struct {
	message []byte
	kind    string // of the error
	why     string // a part of what the error says
}

// spelling is how messages are spelled, and how they can be wrong.
type spelling struct {
	name   string
	codec  string
	number string // where a flow finds the number of a good message
	end    string // of every message, and no part of it
	good   func(n int) []byte
	bad    []func(good []byte, r *rand.Rand) mistake
}

// A thousand malformed messages among a million good ones, on one connection, in
// each format: the good ones arrive, in order, and the bad ones are at err with
// their bytes and the reason; the process does not grow.
func TestMalformed(t *testing.T) {
	for _, s := range spellings {
		t.Run(s.name, s.test)
	}
}

func (s *spelling) test(t *testing.T) {
	f := start(t, "", fmt.Sprintf(`
connector "ws_server" "in" {
  url   = "127.0.0.1:0"
  codec = %s
}

pipeline "number" {
  map "number" {
    event = %s
  }
}

connector "file" "good" {
  path  = "good.ndjson"
  mode  = "truncate"
  codec = "json"
}

connector "file" "problems" {
  path  = "problems.ndjson"
  mode  = "truncate"
  codec = "json"
}

connect "good" {
  from = connector.in
  via  = [pipeline.number]
  to   = connector.good
}

connect "problems" {
  from = connector.in.err
  to   = connector.problems
}
`, s.codec, s.number), "--admin", "127.0.0.1:0")
	c, err := wire.Dial(withPatience(t), f.address("in"), "/")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var (
		r     = rand.New(rand.NewPCG(7, 7))
		every = max(1, min(1000, malformedAmong/100))
		wrong []mistake
		burst []byte
		early int64
	)
	for n := range malformedAmong {
		good := s.good(n)
		if n%every == every/2 {
			b := s.bad[len(wrong)%len(s.bad)](good, r)
			wrong = append(wrong, b)
			burst = wire.AppendFrame(burst, wire.Fin|wire.Binary, append(bytes.Clone(b.message), s.end...))
		}
		burst = wire.AppendFrame(burst, wire.Fin|wire.Binary, append(good, s.end...))
		if len(burst) < 64<<10 && n < malformedAmong-1 {
			continue
		}
		if _, err := c.Write(burst); err != nil {
			t.Fatalf("send message %d: %v", n, err)
		}
		if burst = burst[:0]; early == 0 && n > malformedAmong/4 {
			early = f.rss()
		}
	}
	if _, _, err := c.Leave(1000); err != nil { // all before it has been taken
		t.Fatal(err)
	}
	f.grewAtMost(early, 24)
	s.compare(t, f, wrong)
}

// compare looks at all that arrived.
func (s *spelling) compare(t *testing.T, f *flowrun, wrong []mistake) {
	path := filepath.Join(f.dir, "good.ndjson")
	await(t, "all good messages have arrived", func() bool { return strings.Count(read(t, path), "\n") >= malformedAmong })
	n := 0
	for line := range strings.Lines(read(t, path)) {
		if line != strconv.Itoa(n)+"\n" {
			t.Fatalf("in place of message %d came %q", n, line)
		}
		n++
	}
	if n != malformedAmong {
		t.Errorf("%d messages came, and not %d", n, malformedAmong)
	}
	got, kinds := f.problems(len(wrong)), map[string]int{}
	if len(got) != len(wrong) {
		t.Errorf("%d problems are at err, and not %d", len(got), len(wrong))
	}
	for i, p := range got[:min(len(got), len(wrong))] {
		kinds[wrong[i].kind]++
		if w := wrong[i]; p.Error.Kind != w.kind || !strings.Contains(p.Error.Message, w.why) || !bytes.Equal(p.Raw, w.message) {
			t.Fatalf("of %q err says %s, %q of %q; want %s, %q", w.message, p.Error.Kind, p.Error.Message, p.Raw, w.kind, w.why)
		}
	}
	counted := samples(scrape(t, f.address("API")))
	for kind, n := range kinds {
		if name := fmt.Sprintf(`flowrun_connector_errors_total{connector="in",flow="flow",kind=%q,type="ws_server"}`, kind); counted[name] != float64(n) {
			t.Errorf("%s is %v, not %d", name, counted[name], n)
		}
	}
}

// The ways to be wrong.

// cut leaves a part of a message away.
func cut(kind, why string) func([]byte, *rand.Rand) mistake {
	return func(good []byte, r *rand.Rand) mistake {
		return mistake{bytes.Clone(good[:1+r.IntN(len(good)-1)]), kind, why}
	}
}

// instead is something else in place of a message.
func instead(message, kind, why string) func([]byte, *rand.Rand) mistake {
	return func([]byte, *rand.Rand) mistake { return mistake{[]byte(message), kind, why} }
}

// changed is a message with another byte at one place, counted from the end where
// it is negative.
func changed(at int, b byte, why string) func([]byte, *rand.Rand) mistake {
	return func(good []byte, _ *rand.Rand) mistake {
		message := bytes.Clone(good)
		if at < 0 {
			at += len(message)
		}
		message[at] = b
		return mistake{message, "decode", why}
	}
}

// longer is a message with something behind it.
func longer(why string) func([]byte, *rand.Rand) mistake {
	return func(good []byte, _ *rand.Rand) mistake {
		return mistake{append(bytes.Clone(good), 0), "decode", why}
	}
}

var spellings = []spelling{
	{
		name: "json", codec: `"json"`, number: "event.n",
		good: func(n int) []byte { return fmt.Appendf(nil, `{"n":%d,"text":"hello"}`, n) },
		bad: []func([]byte, *rand.Rand) mistake{
			cut("decode", "too early"), instead(`{"n":1}{"n":2}`, "decode", "more after the end"), instead("{\"n\":\"\xff\"}", "decode", "not UTF-8"), instead(`{"n":01}`, "decode", ""),
		},
	},
	{
		name: "json_lines", codec: `"json_lines"`, number: "event.n", end: "\n",
		good: func(n int) []byte { return fmt.Appendf(nil, `{"n":%d,"text":"hello"}`, n) },
		bad: []func([]byte, *rand.Rand) mistake{
			cut("decode", "too early"), instead(`]`, "decode", "at byte 0"), instead("hello\x00", "decode", "at byte 0"),
		},
	},
	{
		name: "msgpack", codec: `"msgpack"`, number: "event.n",
		good: func(n int) []byte {
			return append(binary.BigEndian.AppendUint32([]byte("\x82\xa1n\xce"), uint32(n)), "\xa4text\xa5hello"...)
		},
		bad: []func([]byte, *rand.Rand) mistake{
			cut("decode", ""), longer(""), changed(0, 0xc1, ""), instead("\xdf\xff\xff\xff\xff", "decode", ""), instead("\x81\x91\x01\x01", "decode", ""),
		},
	},
	{
		name: "bgp json", codec: `{ name = "bgp", format = "json" }`, number: "event.data.attrs.MED.value",
		good: func(n int) []byte {
			return fmt.Appendf(nil, `["R",%d,"2026-07-13T00:00:00.037","UPDATE",{"reach":["192.0.2.0/24"],"attrs":{"MED":{"flags":"O","value":%d}}},{}]`, n+1, n)
		},
		bad: []func([]byte, *rand.Rand) mistake{
			cut("decode", ""), changed(2, 'X', "direction"), instead(`{"type":"UPDATE"}`, "decode", "no list"),
			instead(`["R",1,"","UPDATE",{"x":1},{}]`, "decode", `have a key "x"`), instead(`["R",1,"","HELLO",{},{}]`, "decode", "its type"),
		},
	},
	{
		name: "bgp exa", codec: `{ name = "bgp", format = "exa" }`, number: "event.data.attrs.MED.value",
		good: func(n int) []byte {
			return fmt.Appendf(nil, "announce route 192.0.2.0/24 next-hop 192.0.2.1 origin IGP med %d", n)
		},
		bad: []func([]byte, *rand.Rand) mistake{
			instead("announce route 192.0.2.0/33", "decode", "no prefix"), instead("shutdown", "decode", "neither announce"), instead("withdraw route 192.0.2.0/24 med 5", "decode", "something follows"),
		},
	},
	{
		name: "bgp raw", codec: `{ name = "bgp", format = "raw" }`, number: "event.data.attrs.MED.value",
		good: rawUpdate,
		bad: []func([]byte, *rand.Rand) mistake{
			cut("truncated", "have come"), longer("more follows"), changed(3, 0, "16 bytes of 255"), changed(18, 0, "type 0"), changed(20, 0xff, "withdrawn routes"), changed(-4, 33, "a prefix is none"),
		},
	},
	{
		name: "bgp mrt", codec: `{ name = "bgp", format = "mrt" }`, number: "event.data.attrs.MED.value",
		good: func(n int) []byte { return mrt(rawUpdate(n)) },
		bad: []func([]byte, *rand.Rand) mistake{
			cut("truncated", "have come"), longer("more follows"), changed(27, 9, "neither IPv4 nor IPv6"), changed(36, 0, "16 bytes of 255"),
		},
	},
	{
		name: "bgp bmp", codec: `{ name = "bgp", format = "bmp" }`, number: "event.data.attrs.MED.value",
		good: func(n int) []byte { return bmp(rawUpdate(n)) },
		bad: []func([]byte, *rand.Rand) mistake{
			cut("truncated", "have come"), longer("more follows"), changed(0, 2, "version is 2"), changed(48, 0, "16 bytes of 255"),
		},
	},
	{
		name: "bgp obmp", codec: `{ name = "bgp", format = "obmp" }`, number: "event.data.attrs.MED.value",
		good: func(n int) []byte { return obmp(bmp(rawUpdate(n))) },
		bad: []func([]byte, *rand.Rand) mistake{
			cut("truncated", "have come"), longer("more follows"), changed(0, 'X', "does not begin with OBMP"), changed(126, 0, "16 bytes of 255"),
		},
	},
}

// rawUpdate is an UPDATE on the wire: its MED is a number.
func rawUpdate(n int) []byte {
	b := append(bytes.Repeat([]byte{0xff}, 16), 0, 38, 2, 0, 0, 0, 11)
	b = append(b, 0x40, 1, 1, 0, 0x80, 4, 4)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return append(b, 24, 192, 0, 2)
}

// mrt is a record of RFC 6396 around a message.
func mrt(message []byte) []byte {
	b := []byte{0x6a, 0x54, 0x2a, 0x80, 0, 17, 0, 4}
	b = binary.BigEndian.AppendUint32(b, uint32(24+len(message)))
	b = append(b, 0, 0, 0x91, 3, 0, 0, 0xfb, 0xf5, 0, 0, 0xfb, 0xf6, 0, 7, 0, 1, 192, 0, 2, 1, 192, 0, 2, 2)
	return append(b, message...)
}

// bmp is Route Monitoring of RFC 7854 around a message.
func bmp(message []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{3}, uint32(48+len(message)))
	b = append(b, make([]byte, 1+1+1+8+12)...)
	b = append(b, 192, 0, 2, 1, 0, 0, 0xfb, 0xf5, 0, 0, 0, 0, 0x6a, 0x54, 0x2a, 0x80, 0, 0, 0x91, 3)
	return append(b, message...)
}

// obmp is the header of OpenBMP 1.7 before such a message.
func obmp(message []byte) []byte {
	b := append([]byte("OBMP\x01\x07"), 0, 78)
	b = binary.BigEndian.AppendUint32(b, uint32(len(message)))
	b = append(b, 0x80, 12, 0x6a, 0x54, 0x2a, 0x80, 0, 0, 0x91, 3)
	b = append(b, make([]byte, 16+2+16+16+2)...)
	return append(append(b, 0, 0, 0, 1), message...)
}
