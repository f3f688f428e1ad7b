package preprocessors

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/setting"
)

func newLengthPrefix(size prefixSize, order string, longest setting.Size) *lengthPrefix {
	c := lengthPrefixSpec.Config().(*lengthPrefix)
	if size != "" {
		c.Size = size
	}
	if order != "" {
		c.Order = order
	}
	if longest != 0 {
		c.MaxLength = longest
	}
	return c
}

func TestLengthPrefixSize(t *testing.T) {
	var z prefixSize
	for _, good := range []string{"1", "2", "4", "8", "varint", "text"} {
		if err := z.UnmarshalText([]byte(good)); err != nil || string(z) != good {
			t.Errorf("%s: %q, %v", good, z, err)
		}
	}
	for _, bad := range []string{"", "3", "16", "Text", "-1"} {
		if err := z.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestLengthPrefixOut(t *testing.T) {
	for _, test := range []struct {
		size  prefixSize
		order string
		want  string
	}{
		{"", "", "\x00\x00\x00\x00\x00\x00\x00\x02hi"},
		{"8", "little", "\x02\x00\x00\x00\x00\x00\x00\x00hi"},
		{"1", "", "\x02hi"},
		{"2", "", "\x00\x02hi"},
		{"2", "little", "\x02\x00hi"},
		{"4", "big", "\x00\x00\x00\x02hi"},
		{"varint", "", "\x02hi"},
		{"text", "", "2 hi"},
	} {
		_, out := sides(t, newLengthPrefix(test.size, test.order, 0))
		diff(t, result{messages: []string{test.want}}, run(t, out, []byte("hi")))
	}

	_, out := sides(t, newLengthPrefix("1", "", 0))
	fits, not := long(255), long(256)
	diff(t, result{messages: []string{"\xff" + fits, "\x01a"}, lost: []string{not}}, run(t, out, pieces(fits, not, "a")...))
}

func TestLengthPrefixIn(t *testing.T) {
	malformedText := `split by length: "x1 a" does not begin with a decimal length and a space: check that its sender writes them before each message`
	for _, test := range []struct {
		name    string
		size    prefixSize
		longest setting.Size
		in      []string
		want    result
	}{
		{"several", "1", 0, []string{"\x01a\x00\x02bc"}, result{messages: []string{"a", "", "bc"}}},
		{"a cut length", "2", 0, []string{"\x00", "\x01", "a", "\x00", "\x02b", "c"}, result{messages: []string{"a", "bc"}}},
		{"an empty one at the end of a read", "2", 0, []string{"\x00", "\x00", "\x00\x00"}, result{messages: []string{"", ""}}},
		{"text", "text", 0, []string{"1 a0 2 bc", "1", "0", " 0123456789", "003 xyz"}, result{messages: []string{"a", "", "bc", "0123456789", "xyz"}}},
		{"varint", "varint", 0, []string{"\x81", "\x00a\x80\x80\x00\x01b"}, result{messages: []string{"a", "", "b"}}},

		{"oversize costs itself only", "1", 3, []string{"\x01a\x04long\x01b"}, result{messages: []string{"a", "b"}, lost: []string{"long"}}},
		{"oversize over reads", "1", 3, []string{"\x01a\x05lo", "n", "ge\x03abc"}, result{messages: []string{"a", "abc"}, lost: []string{"lo"}}},
		{"2^63", "8", 0, []string{"\x80\x00\x00\x00\x00\x00\x00\x00rest", "more"}, result{lost: []string{"rest"}}},
		{"2^64-1", "8", 0, []string{"\xff\xff\xff\xff\xff\xff\xff\xff", "more"}, result{lost: []string{""}}},
		{"2^64-1 as varint", "varint", 0, []string{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "more"}, result{lost: []string{""}}},
		{"2^64-1 as text", "text", 0, []string{"18446744073709551615 ", "more"}, result{lost: []string{""}}},

		{"malformed text", "text", 0, []string{"1 ax1 a", "1 b"}, result{messages: []string{"a", "b"}, errs: []string{malformedText}}},
		{"malformed text, cut", "text", 0, []string{"1", "x", "1 b"}, result{messages: []string{"b"},
			errs: []string{`split by length: "1x" does not begin with a decimal length and a space: check that its sender writes them before each message`}}},
		{"no digit", "text", 0, []string{" a"}, result{
			errs: []string{`split by length: " a" does not begin with a decimal length and a space: check that its sender writes them before each message`}}},
		{"text over 64 bits", "text", 0, []string{"18446744073709551616 "}, result{
			errs: []string{`split by length: "18446744073709551616 " does not begin with a decimal length and a space: check that its sender writes them before each message`}}},
		{"endless digits", "text", 0, []string{"0000000000", "0000000000", "0000000000"}, result{
			errs: []string{`split by length: "000000000000000000000" does not begin with a decimal length and a space: check that its sender writes them before each message`}}},
		{"endless varint", "varint", 0, []string{"\x80\x80\x80\x80\x80", "\x80\x80\x80\x80\x80", "\x01a"}, result{messages: []string{"a"},
			errs: []string{"split by length: 80 80 80 80 80 80 80 80 80 80 begins with no varint of at most 64 bits: check that its sender writes one before each message"}}},

		{"ends within a message", "1", 0, []string{"\x01a\x03bc"}, result{messages: []string{"a"}, lost: []string{"bc"}}},
		{"ends within a length", "4", 0, []string{"\x00\x00"}, result{lost: []string{"\x00\x00"}}},
		{"ends within what is passed over", "1", 2, []string{"\x03a"}, result{lost: []string{"a"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, _ := sides(t, newLengthPrefix(test.size, "", test.longest))
			diff(t, test.want, run(t, in, pieces(test.in...)...))
			diff(t, test.want, run(t, in, pieces(test.in...)...))
		})
	}
}

// An announced length costs nothing until its bytes come, and a message passed
// over is never kept.
func TestLengthPrefixMemory(t *testing.T) {
	in, _ := sides(t, newLengthPrefix("8", "", 1<<30))
	u := in.(*unframer)
	nothing := func([]byte) error { return nil }
	_ = u.Process(binary.BigEndian.AppendUint64(nil, 1<<30), nothing)
	_ = u.Process([]byte("a few bytes"), nothing)
	if cap(u.held) > 64 {
		t.Errorf("%d bytes are held for a message of which 11 have come", cap(u.held))
	}
	_ = u.Finish(nothing)

	_ = u.Process(binary.BigEndian.AppendUint64(nil, 1<<40), nothing)
	piece := make([]byte, 64<<10)
	for range 100 {
		_ = u.Process(piece, nothing)
	}
	if cap(u.held)+cap(u.spare) > idle {
		t.Errorf("%d bytes are held of a message that is passed over", cap(u.held))
	}
}

func TestLengthPrefixAfterEmitError(t *testing.T) {
	stop := errors.New("stop")
	in, _ := sides(t, newLengthPrefix("1", "", 0))
	if err := in.Process([]byte("\x01a\x01b\x04ha"), func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("Process: %v", err)
	}
	diff(t, result{messages: []string{"good"}}, run(t, in, pieces("lf\x04good")...))
}

func TestLengthPrefixDoesNotAllocate(t *testing.T) {
	in, out := sides(t, newLengthPrefix("4", "", 0))
	message := []byte(long(143))
	var stream []byte
	for range 32 {
		stream = append(binary.BigEndian.AppendUint32(stream, 143), message...)
	}
	nothing := func([]byte) error { return nil }
	cut := func() {
		_ = in.Process(stream[:1000], nothing)
		_ = in.Process(stream[1000:], nothing)
		_ = out.Process(message, nothing)
	}
	cut()
	if got := testing.AllocsPerRun(100, cut); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// However a stream is cut, the messages come out that went in.
func FuzzLengthPrefixRechunk(f *testing.F) {
	f.Add([]byte("a||bcd|e"), uint8(0), uint64(1), uint16(100))
	f.Add([]byte("a||bcdefgh|e"), uint8(5), uint64(99), uint16(3))
	f.Add([]byte("\x80\x80\x80|12 a| 3|"), uint8(4), uint64(2), uint16(50))
	f.Fuzz(func(t *testing.T, data []byte, form uint8, seed uint64, longest uint16) {
		size := []prefixSize{"1", "2", "4", "8", "varint", "text"}[form%6]
		order := []string{"big", "little"}[form/6%2]
		c := newLengthPrefix(size, order, setting.Size(longest%200)+1)
		in, out := sides(t, c)
		stream, _ := joined(t, out, strings.Split(string(data), "|"))

		var want result
		lost := 0
		for _, m := range strings.Split(string(data), "|") {
			switch {
			case size == "1" && len(m) > 255: // refused outwards
			case len(m) > int(c.MaxLength):
				lost++
			default:
				want.messages = append(want.messages, m)
			}
		}
		got := run(t, in, rechunk(stream, seed)...)
		if len(got.lost) != lost {
			t.Fatalf("%d messages were lost, %d are too long", len(got.lost), lost)
		}
		got.lost = nil
		diff(t, want, got)

		// Any bytes at all: bounded, and no panic.
		run(t, in, rechunk(data, seed)...)
		if u := in.(*unframer); cap(u.held)+cap(u.spare) > 2*idle {
			t.Fatal("an idle processor keeps much")
		}
	})
}
