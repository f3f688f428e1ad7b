package preprocessors

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/setting"
)

func newSeparate(change func(*separate)) *separate {
	c := separateSpec.Config().(*separate)
	if change != nil {
		change(c)
	}
	return c
}

func TestSeparateIn(t *testing.T) {
	max5 := func(c *separate) { c.MaxLength = 5 }
	crlf := func(c *separate) { c.Separator = "\r\n" }
	aab := func(c *separate) { c.Separator = "aab" }
	alone := func(c *separate) { c.Buffered = false }
	for _, test := range []struct {
		name   string
		config func(*separate)
		in     []string
		want   result
	}{
		{"one line", nil, []string{"a\n"}, result{messages: []string{"a"}}},
		{"several", nil, []string{"a\nbc\nd\n"}, result{messages: []string{"a", "bc", "d"}}},
		{"across reads", nil, []string{"a", "b", "\nc", "d\ne", "\n"}, result{messages: []string{"ab", "cd", "e"}}},
		{"a tail", nil, []string{"a\nb"}, result{messages: []string{"a", "b"}}},
		{"empty middle", nil, []string{"a\n\n\nb\n"}, result{messages: []string{"a", "", "", "b"}}},
		{"only separators", nil, []string{"\n\n"}, result{messages: []string{"", ""}}},
		{"nothing", nil, []string{"", ""}, result{}},
		{"skip empty", func(c *separate) { c.SkipEmpty = true }, []string{"\na\n\n", "\n", "b", "\n\n"}, result{messages: []string{"a", "b"}}},
		{"trim", func(c *separate) { c.TrimCR = true }, []string{"a\r\n\r\nb\r", "\nc\r\r\nd\r"}, result{messages: []string{"a", "", "b", "c\r", "d"}}},
		{"trim and skip", func(c *separate) { c.TrimCR, c.SkipEmpty = true, true }, []string{"a\r\n\r\n\r"}, result{messages: []string{"a"}}},
		{"no trim", nil, []string{"a\r\n"}, result{messages: []string{"a\r"}}},
		{"two bytes", crlf, []string{"a\r\nb", "\r", "\n", "c\r", "d\r\n\r", "\n"}, result{messages: []string{"a", "b", "c\rd", ""}}},
		{"half a separator at the end", crlf, []string{"a\r\nb\r"}, result{messages: []string{"a", "b\r"}}},
		{"leftmost", aab, []string{"aa", "aabx", "a", "a", "b", "aaaa", "b"}, result{messages: []string{"aa", "x", "aa"}}},

		{"oversize costs itself only", max5, []string{"a\nlonger\nb\n"}, result{messages: []string{"a", "b"}, lost: []string{"longe"}}},
		{"just fits", max5, []string{"abcde\nab", "cde\nabcde"}, result{messages: []string{"abcde", "abcde", "abcde"}}},
		{"oversize over reads", max5, []string{"a\nlon", "ger", " and on", "\nb\n"}, result{messages: []string{"a", "b"}, lost: []string{"longe"}}},
		{"endless", max5, []string{"xxxxxxx", "xxxxxxx", "xxxxxxx", "xx"}, result{lost: []string{"xxxxx"}}},
		{"oversize tail", max5, []string{"a\nxxxxxx"}, result{messages: []string{"a"}, lost: []string{"xxxxx"}}},
		{"oversize when completed", max5, []string{"xxx", "xxx\nb\n"}, result{messages: []string{"b"}, lost: []string{"xxxxx"}}},
		{"two oversize", max5, []string{"aaaaaa\nb\ncccccc\n"}, result{messages: []string{"b"}, lost: []string{"aaaaa", "ccccc"}}},
		{"oversize, two bytes", func(c *separate) { c.Separator, c.MaxLength = "\r\n", 3 }, []string{"abc\r", "x\r", "\nabc\r", "\nabcd\r", "\nok"},
			result{messages: []string{"abc", "ok"}, lost: []string{"abc", "abc"}}},

		{"alone", alone, []string{"a\nb", "c\n", "", "\n", "d"}, result{messages: []string{"a", "b", "c", "", "d"}}},
		{"alone, oversize", func(c *separate) { c.Buffered, c.MaxLength = false, 3 }, []string{"a\nbbbb", "c"}, result{messages: []string{"a", "c"}, lost: []string{"bbb"}}},
		{"alone, trimmed", func(c *separate) { c.Buffered, c.TrimCR = false, true }, []string{"a\r\nb\r", "\r"}, result{messages: []string{"a", "b"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, _ := sides(t, newSeparate(test.config))
			diff(t, test.want, run(t, p, pieces(test.in...)...))
			// A processor is ready for a new stream after Finish.
			diff(t, test.want, run(t, p, pieces(test.in...)...))
		})
	}
}

func TestSeparateOut(t *testing.T) {
	for _, test := range []struct {
		name string
		sep  string
		in   []string
		want result
	}{
		{"lines", "\n", []string{"a", "", "b"}, result{messages: []string{"a\n", "\n", "b\n"}}},
		{"refused", "\n", []string{"a", "b\nc", "d\n", "e"}, result{messages: []string{"a\n", "e\n"}, lost: []string{"b\nc", "d\n"}}},
		{"a separator that would begin in the message", "aa", []string{"xa", "ax"}, result{messages: []string{"axaa"}, lost: []string{"xa"}}},
		{"two bytes", "\r\n", []string{"a\r", "b\n"}, result{messages: []string{"a\r\r\n", "b\n\r\n"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, p := sides(t, newSeparate(func(c *separate) { c.Separator = test.sep }))
			diff(t, test.want, run(t, p, pieces(test.in...)...))
		})
	}
}

// A message that has separators within it may be meant as several.
func TestSeparateWithin(t *testing.T) {
	in := []string{"a", "", "b\nc", "\n", "d\n\ne\n"}
	for within, want := range map[string]result{
		"pass":  {messages: []string{"a\n", "b\nc\n", "\n\n", "d\n\ne\n\n"}},
		"split": {messages: []string{"a", "", "b", "c", "", "d", "", "e"}},
	} {
		_, p := sides(t, newSeparate(func(c *separate) { c.Within = within }))
		diff(t, want, run(t, p, pieces(in...)...))
	}
}

func TestSeparateNeedsASeparator(t *testing.T) {
	_, _, err := newSeparate(func(c *separate) { c.Separator = "" }).New()
	var field *setting.Error
	if !errors.As(err, &field) || field.Field != "separator" {
		t.Fatalf("New with an empty separator: %v", err)
	}
}

// After an error of emit the rest of that read is gone; what follows of the
// line that was cut is not taken for a line.
func TestSeparateAfterEmitError(t *testing.T) {
	stop := errors.New("stop")
	p, _ := sides(t, newSeparate(nil))
	if err := p.Process([]byte("a\nb\nhal"), func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("Process: %v", err)
	}
	diff(t, result{messages: []string{"good"}}, run(t, p, pieces("f\ngood\n")...))

	if err := p.Process([]byte("toolong\na\n"), func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("Process: %v", err)
	}
	diff(t, result{messages: []string{"good"}}, run(t, p, pieces("good\n")...))
}

func TestSeparateMemory(t *testing.T) {
	p, _ := sides(t, newSeparate(nil))
	s := p.(*splitter)
	nothing := func([]byte) error { return nil }
	big := bytes.Repeat([]byte{'x'}, 60<<10)
	for range 3 {
		for _, piece := range [][]byte{big, []byte("\nshort"), []byte("er\n")} {
			if err := p.Process(piece, nothing); err != nil {
				t.Fatal(err)
			}
		}
		if kept := cap(s.held) + cap(s.spare); kept > 2*idle {
			t.Fatalf("an idle splitter keeps %d bytes", kept)
		}
	}
	for range 1000 { // an endless line
		_ = p.Process(big, nothing)
		if cap(s.held) > 128<<10 {
			t.Fatalf("an endless line is held in %d bytes", cap(s.held))
		}
	}
}

func TestSeparateDoesNotAllocate(t *testing.T) {
	in, out := sides(t, newSeparate(nil))
	message := []byte(strings.Repeat("m", 143))
	lines := bytes.Repeat(append(message, '\n'), 32)
	n := 0
	count := func([]byte) error { n++; return nil }
	for _, test := range []struct {
		name string
		f    func() error
	}{
		{"whole lines", func() error { return in.Process(lines, count) }},
		{"cut lines", func() error { return errors.Join(in.Process(lines[:1000], count), in.Process(lines[1000:], count)) }},
		{"out", func() error { return out.Process(message, count) }},
	} {
		if err := test.f(); err != nil {
			t.Fatal(err)
		}
		if got := testing.AllocsPerRun(100, func() { _ = test.f() }); got != 0 {
			t.Errorf("%s: %v allocations", test.name, got)
		}
	}
	if n == 0 {
		t.Fatal("nothing was emitted")
	}
}

// However a stream is cut, the same messages and losses come out, and they are
// those that went in.
func FuzzSeparateRechunk(f *testing.F) {
	f.Add([]byte("a|bb||ccc|d"), "\n", uint64(3), uint16(100))
	f.Add([]byte("a|bbbbbbbbbb|aab|c"), "aab", uint64(1), uint16(4))
	f.Add([]byte("ab|abab|b|\r|\n"), "\r\n", uint64(99), uint16(3))
	f.Fuzz(func(t *testing.T, data []byte, sep string, seed uint64, maxLength uint16) {
		if sep == "" || len(sep) > 8 {
			return
		}
		c := newSeparate(func(c *separate) {
			c.Separator, c.MaxLength = sep, setting.Size(maxLength%200)+1
		})
		in, out := sides(t, c)
		stream, wrote := joined(t, out, strings.Split(string(data), "|"))

		var want result
		for _, m := range wrote.messages {
			m = strings.TrimSuffix(m, sep)
			if len(m) > int(c.MaxLength) {
				want.lost = append(want.lost, m[:c.MaxLength])
				continue
			}
			want.messages = append(want.messages, m)
		}
		diff(t, want, run(t, in, rechunk(stream, seed)...))

		// Any bytes at all: as if they had come in one piece.
		diff(t, run(t, in, data), run(t, in, rechunk(data, seed)...))
	})
}

func BenchmarkSeparateIn(b *testing.B) {
	in, _ := sides(b, newSeparate(nil))
	lines := bytes.Repeat([]byte(strings.Repeat("m", 142)+"\n"), 32)
	sink := func([]byte) error { return nil }
	b.Run("32 lines", func(b *testing.B) {
		b.SetBytes(int64(len(lines)))
		b.ReportAllocs()
		for b.Loop() {
			_ = in.Process(lines, sink)
		}
	})
	b.Run("one line", func(b *testing.B) {
		b.SetBytes(143)
		b.ReportAllocs()
		for b.Loop() {
			_ = in.Process(lines[:143], sink)
		}
	})
	b.Run("cut lines", func(b *testing.B) {
		b.SetBytes(int64(len(lines)))
		b.ReportAllocs()
		for b.Loop() {
			_ = in.Process(lines[:1000], sink)
			_ = in.Process(lines[1000:], sink)
		}
	})
}

func BenchmarkSeparateOut(b *testing.B) {
	_, out := sides(b, newSeparate(nil))
	message := []byte(strings.Repeat("m", 142))
	sink := func([]byte) error { return nil }
	b.SetBytes(143)
	b.ReportAllocs()
	for b.Loop() {
		_ = out.Process(message, sink)
	}
}
