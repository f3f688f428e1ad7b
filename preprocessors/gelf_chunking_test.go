package preprocessors

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// chunk is a chunk as a GELF client writes it.
func chunk(id string, number, count byte, data string) []byte {
	return []byte("\x1e\x0f" + id + string([]byte{number, count}) + data)
}

func newGELF(change func(*gelfChunking)) *gelfChunking {
	c := gelfChunkingSpec.Config().(*gelfChunking)
	if change != nil {
		change(c)
	}
	return c
}

func TestGELFChunksIn(t *testing.T) {
	small := func(c *gelfChunking) { c.MaxLength, c.MaxPending, c.MaxChunks = 10, 2, 3 }
	for _, test := range []struct {
		name   string
		pieces [][]byte
		want   result
	}{
		{"in order, with a whole one between", [][]byte{chunk("aaaaaaaa", 0, 2, "he"), []byte("{}"), chunk("aaaaaaaa", 1, 2, "llo")},
			result{messages: []string{"{}", "hello"}}},
		{"out of order, twice, two at once", [][]byte{chunk("aaaaaaaa", 2, 3, "c"), chunk("bbbbbbbb", 0, 1, "B"), chunk("aaaaaaaa", 0, 3, "a"), chunk("aaaaaaaa", 0, 3, "x"), chunk("aaaaaaaa", 1, 3, "b")},
			result{messages: []string{"B", "abc"}}},
		{"unfinished", [][]byte{chunk("aaaaaaaa", 1, 2, "llo")}, result{lost: []string{"llo"}}},
		{"too short", [][]byte{[]byte("\x1e\x0f12345678\x00")}, result{lost: []string{"\x1e\x0f12345678\x00"}}},
		{"number beyond", [][]byte{chunk("aaaaaaaa", 2, 2, "x")}, result{lost: []string{string(chunk("aaaaaaaa", 2, 2, "x"))}}},
		{"none", [][]byte{chunk("aaaaaaaa", 0, 0, "x")}, result{lost: []string{string(chunk("aaaaaaaa", 0, 0, "x"))}}},
		{"too many", [][]byte{chunk("aaaaaaaa", 0, 4, "x")}, result{lost: []string{string(chunk("aaaaaaaa", 0, 4, "x"))}}},
		{"another count", [][]byte{chunk("aaaaaaaa", 0, 2, "x"), chunk("aaaaaaaa", 1, 3, "y")},
			result{lost: []string{string(chunk("aaaaaaaa", 1, 3, "y")), "x"}}},
		{"too long", [][]byte{chunk("aaaaaaaa", 0, 2, "1234567"), chunk("aaaaaaaa", 1, 2, "1234567")}, result{lost: []string{"1234567"}}},
		{"too many wait", [][]byte{chunk("aaaaaaaa", 0, 2, "a"), chunk("bbbbbbbb", 0, 2, "b"), chunk("cccccccc", 0, 2, "c"), chunk("bbbbbbbb", 1, 2, "B")},
			result{messages: []string{"bB"}, lost: []string{"a", "c"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, _ := sides(t, newGELF(small))
			diff(t, test.want, run(t, in, test.pieces...))
		})
	}
}

func TestGELFChunksTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, _ := sides(t, newGELF(nil))
		drop := func([]byte) error { return nil }
		if err := in.Process(chunk("aaaaaaaa", 0, 2, "a"), drop); err != nil {
			t.Error(err)
		}
		time.Sleep(6 * time.Second)
		var r result
		r.note(in.Process([]byte("{}"), drop))
		diff(t, result{lost: []string{"a"}}, r)
	})
}

func TestGELFChunksOut(t *testing.T) {
	config := newGELF(func(c *gelfChunking) { c.MaxChunk = 64; c.MaxChunks = 3 })
	_, out := sides(t, config)
	fits := strings.Repeat("x", 64)
	cut := strings.Repeat("0123456789", 15)
	r := run(t, out, []byte(fits), []byte(cut), []byte(strings.Repeat("y", 157)))
	if len(r.messages) != 4 || r.messages[0] != fits || len(r.lost) != 1 {
		t.Fatalf("%q, lost %q", r.messages, r.lost)
	}
	id := r.messages[1][2:10]
	for i, m := range r.messages[1:] {
		if len(m) > 64 || !strings.HasPrefix(m, string(chunk(id, byte(i), 3, ""))) {
			t.Errorf("chunk %d is %q", i, m)
		}
	}
	in, _ := sides(t, config)
	diff(t, result{messages: []string{cut}}, run(t, in, []byte(r.messages[3]), []byte(r.messages[1]), []byte(r.messages[2])))
}

// FuzzGELFChunks cuts a message, shuffles and repeats its chunks.
func FuzzGELFChunks(f *testing.F) {
	f.Add([]byte("hello"), uint8(3))
	f.Add([]byte(strings.Repeat("long", 100)), uint8(7))
	f.Add(chunk("aaaaaaaa", 0, 2, "x"), uint8(0))
	f.Fuzz(func(t *testing.T, message []byte, turn uint8) {
		in, out := sides(t, newGELF(func(c *gelfChunking) { c.MaxChunk = 64 }))
		_ = in.Process(message, func([]byte) error { return nil })
		_ = in.Finish(func([]byte) error { return nil })
		if len(message) <= 64 || len(message) > 128*52 {
			return
		}
		chunks := run(t, out, message).messages
		var pieces [][]byte
		for i := range chunks {
			pieces = append(pieces, []byte(chunks[(i+int(turn))%len(chunks)]))
		}
		diff(t, result{messages: []string{string(message)}}, run(t, in, pieces...))
	})
}
