package preprocessors

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// packers are the pairs that turn one message into one other.
var packers = []struct {
	spec flow.Spec[flow.ProcessorConfig]
	with func(limit setting.Size) flow.ProcessorConfig
}{
	{base64Spec, func(n setting.Size) flow.ProcessorConfig { return &base64Text{MaxSize: n} }},
	{gzipSpec, func(n setting.Size) flow.ProcessorConfig { return &gzipFile{Level: 6, MaxSize: n} }},
	{zlibSpec, func(n setting.Size) flow.ProcessorConfig { return &zlibStream{Level: 6, MaxSize: n} }},
	{zstdSpec, func(n setting.Size) flow.ProcessorConfig { return &zstdFrame{Level: 3, MaxSize: n} }},
	{snappySpec, func(n setting.Size) flow.ProcessorConfig { return &snappyStream{MaxSize: n} }},
	{lz4Spec, func(n setting.Size) flow.ProcessorConfig { return &lz4Frame{MaxSize: n} }},
	{xzSpec, func(n setting.Size) flow.ProcessorConfig { return &xzStream{MaxSize: n} }},
}

// pack returns one message as a postprocessor writes it.
func pack(t testing.TB, c flow.ProcessorConfig, message string) []byte {
	t.Helper()
	_, out := sides(t, c)
	r := run(t, out, []byte(message))
	if len(r.messages) != 1 {
		t.Fatalf("packing %d bytes: %+v", len(message), r)
	}
	return []byte(r.messages[0])
}

// lossOf returns the error of the one message that p loses.
func lossOf(t testing.TB, p flow.Processor, message []byte) error {
	t.Helper()
	err := p.Process(message, func(b []byte) error {
		t.Fatalf("%d bytes were emitted of a bad message", len(b))
		return nil
	})
	var loss *flow.Loss
	if !errors.As(err, &loss) {
		t.Fatalf("a bad message: %v", err)
	}
	if !bytes.Equal(loss.Raw, message) {
		t.Fatalf("the loss carries %d bytes of %d", len(loss.Raw), len(message))
	}
	return err
}

func TestRoundTrip(t *testing.T) {
	for _, c := range packers {
		t.Run(c.spec.Name, func(t *testing.T) {
			messages := []string{"a", "", "hello", long(100), long(idle * 2), strings.Repeat("xyz", 200_000), "b"}
			var packed [][]byte
			for _, m := range messages {
				packed = append(packed, pack(t, c.spec.Config(), m))
			}
			want := result{messages: messages}
			if c.spec.Name == "base64" {
				packed[1] = nil
			}
			in, _ := sides(t, c.spec.Config())
			diff(t, want, run(t, in, packed...))
		})
	}
}

func TestLimits(t *testing.T) {
	for _, c := range packers {
		t.Run(c.spec.Name, func(t *testing.T) {
			in, _ := sides(t, c.with(1000))
			fits := pack(t, c.spec.Config(), long(1000))
			over := pack(t, c.spec.Config(), long(1001))
			diff(t, result{messages: []string{long(1000), long(1000)}, lost: []string{string(over)}}, run(t, in, fits, over, fits))
			want := fmt.Sprintf("unpack a message as %s: it unpacks to more than max_size 1000B: raise max_size if that is expected", c.spec.Name)
			if err := lossOf(t, in, over); err.Error() != want {
				t.Errorf("got  %v\nwant %v", err, want)
			}
		})
	}
}

// A message that would unpack to a thousand times its size costs about its
// limit.
func TestBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 32<<20)
	for _, c := range packers[1:] {
		t.Run(c.spec.Name, func(t *testing.T) {
			size := len(zeros)
			if c.spec.Name == "xz" {
				size = 4 << 20 // it is slow; TestXZBomb has larger ones
			}
			bomb := pack(t, c.spec.Config(), zeros[:size])
			in, _ := sides(t, c.with(1<<20))
			bombs := [][]byte{bomb}
			if c.spec.Name != "zlib" { // whose streams do not follow one another
				bombs = append(bombs, bytes.Repeat(pack(t, c.spec.Config(), zeros[:512<<10]), 100))
			}
			for _, bomb := range bombs {
				lossOf(t, in, bomb)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				lossOf(t, in, bomb)
				runtime.ReadMemStats(&after)
				if got := after.TotalAlloc - before.TotalAlloc; got > 24<<20 {
					t.Errorf("a bomb of %d bytes took %d bytes of memory", len(bomb), got)
				}
			}
		})
	}
}

func TestBadMessages(t *testing.T) {
	for _, c := range packers[1:] {
		t.Run(c.spec.Name, func(t *testing.T) {
			in, _ := sides(t, c.spec.Config())
			good := pack(t, c.spec.Config(), "a good message, "+strings.Repeat("which is long enough ", 10))
			flipped := bytes.Clone(good)
			flipped[len(flipped)/2] ^= 0x55
			flipped[len(flipped)-1] ^= 0x55
			lossOf(t, in, nil)
			lossOf(t, in, []byte("no such format, but some text"))
			lossOf(t, in, good[:3])
			lossOf(t, in, good[:len(good)-1])
			lossOf(t, in, append(bytes.Clone(good), "and more"...))
			lossOf(t, in, flipped)
			if r := run(t, in, good); len(r.messages) != 1 {
				t.Errorf("a good message after bad ones: %+v", r)
			}
		})
	}
}

func TestBase64(t *testing.T) {
	in, out := sides(t, base64Spec.Config())
	diff(t, result{messages: []string{"", "YQ==", "/+8="}}, run(t, out, pieces("", "a", "\xff\xef")...))
	diff(t, result{
		messages: []string{"", "a", "a", "abc", "a", "abcd"},
		lost:     []string{"YQ=", "Y", "_-8=", "YQ==YQ==", "Y Q"},
	}, run(t, in, pieces("", "YQ==", "YQ", "YWJj", "YQ=", "Y", "_-8=", "YQ==\r\n", "YQ==YQ==", "YWJj\nZA==", "Y Q")...))
}

func TestGzipMembers(t *testing.T) {
	a, b := pack(t, gzipSpec.Config(), "a"), pack(t, gzipSpec.Config(), "b")
	in, _ := sides(t, gzipSpec.Config())
	diff(t, result{messages: []string{"ab"}}, run(t, in, append(a, b...)))
}

// A sender that does not know the size of a message announces a window far
// larger than it.
func TestZstdWindow(t *testing.T) {
	in, _ := sides(t, &zstdFrame{Level: 3, MaxSize: 100})
	small := "\x28\xb5\x2f\xfd\x00\x68\x19\x00\x00abc" // window 8 MiB, size unknown, one raw block of 3
	diff(t, result{messages: []string{"abc"}}, run(t, in, []byte(small)))
	large := strings.Replace(small, "\x68", "\x70", 1) // window 16 MiB
	lossOf(t, in, []byte(large))
	// It announces 2^60 bytes.
	lossOf(t, in, []byte("\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x00\x00\x10\x19\x00\x00abc"))
}

func TestLevels(t *testing.T) {
	for _, c := range []flow.ProcessorConfig{
		&gzipFile{Level: 0, MaxSize: 1}, &gzipFile{Level: 10, MaxSize: 1},
		&zlibStream{Level: 0, MaxSize: 1}, &zlibStream{Level: 10, MaxSize: 1},
		&zstdFrame{Level: 0, MaxSize: 1}, &zstdFrame{Level: 23, MaxSize: 1},
		&lz4Frame{Level: -1, MaxSize: 1}, &lz4Frame{Level: 10, MaxSize: 1},
	} {
		_, _, err := c.New()
		var field *setting.Error
		if !errors.As(err, &field) || field.Field != "level" {
			t.Errorf("%+v: %v", c, err)
		}
	}
	message := strings.Repeat("levels differ in how hard they look ", 1000)
	for level := range 23 {
		for _, c := range []struct {
			config      flow.ProcessorConfig
			least, most int
		}{
			{&gzipFile{Level: level, MaxSize: defaultMaxSize}, 1, 9},
			{&zlibStream{Level: level, MaxSize: defaultMaxSize}, 1, 9},
			{&zstdFrame{Level: level, MaxSize: defaultMaxSize}, 1, 22},
			{&lz4Frame{Level: level, MaxSize: defaultMaxSize}, 0, 9},
		} {
			if level < c.least || level > c.most {
				continue
			}
			in, _ := sides(t, c.config)
			diff(t, result{messages: []string{message}}, run(t, in, pack(t, c.config, message)))
		}
	}
}

func TestDecompress(t *testing.T) {
	in, out := sides(t, decompressSpec.Config())
	if out != nil {
		t.Error("decompress has a postprocessor")
	}
	var packed [][]byte
	var want result
	for _, c := range packers[1:] {
		packed = append(packed, pack(t, c.spec.Config(), c.spec.Name))
		want.messages = append(want.messages, c.spec.Name)
	}
	diff(t, want, run(t, in, packed...))

	for _, bad := range []struct{ in, want string }{
		{"\xfd7zXZ\x00\x00", "unpack a message as xz: it ends before its data does"},
		{"{\"a\":1}", "unpack a message: it begins with 7b 22 61 22 3a 31 7d, which is none of gzip, zlib, zstd, snappy, lz4 and xz"},
		{"", "unpack a message: the message is empty: put remove_empty before it if empty messages are expected"},
		{"\x1f\x8b", "unpack a message as gzip: it ends before its data does"},
	} {
		if err := lossOf(t, in, []byte(bad.in)); err.Error() != bad.want {
			t.Errorf("got  %v\nwant %v", err, bad.want)
		}
	}
	small, _ := sides(t, &decompress{MaxSize: 1})
	for _, p := range packed {
		lossOf(t, small, p)
	}
}

func TestRemoveEmpty(t *testing.T) {
	in, out := sides(t, removeEmptySpec.Config())
	for _, p := range []flow.Processor{in, out} {
		diff(t, result{messages: []string{"a", "\n", "b"}}, run(t, p, pieces("", "a", "\n", "", "b", "")...))
	}
}

// Connections share encoders and decoders, and nothing of their messages.
func TestConcurrently(t *testing.T) {
	for _, c := range packers {
		newIn, newOut, err := c.spec.Config().New()
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				in, out := newIn(), newOut()
				for j := range 50 {
					want := strings.Repeat(fmt.Sprintf("%d of %d;", j, i), 1+j*20)
					var got string
					err := out.Process([]byte(want), func(p []byte) error {
						return in.Process(p, func(b []byte) error { got = string(b); return nil })
					})
					if err != nil || got != want {
						t.Errorf("%s: got %q, %v, want %q", c.spec.Name, got, err, want)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestWholeKeepsLittle(t *testing.T) {
	for _, c := range packers {
		in, out := sides(t, c.spec.Config())
		big := pack(t, c.spec.Config(), strings.Repeat("0123456789abcdef", 10_000))
		run(t, in, big)
		run(t, out, []byte(base64.StdEncoding.EncodeToString(make([]byte, 100_000))))
		if kept := cap(in.(*whole).out) + cap(out.(*whole).out); kept > 2*idle {
			t.Errorf("%s: %d bytes are kept", c.spec.Name, kept)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte(""), uint8(0))
	for i := range packers {
		f.Add([]byte("some text, some text, some text"), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		c := packers[int(which)%len(packers)]
		in, _ := sides(t, c.spec.Config())
		packed := pack(t, c.spec.Config(), string(data))
		diff(t, result{messages: []string{string(data)}}, run(t, in, packed))
	})
}

// Whatever comes in, at most max_size comes out, or one loss.
func FuzzUnpack(f *testing.F) {
	for i, c := range packers {
		f.Add(pack(f, c.spec.Config(), "hello hello hello"), uint8(i))
		f.Add(pack(f, c.spec.Config(), strings.Repeat("hello ", 1000)), uint8(i))
	}
	f.Add([]byte("\xfd7zXZ\x00"), uint8(len(packers)))
	f.Add(xzOfThreeBlocks(f), uint8(len(packers)))
	var ins []flow.Processor
	const limit = 4096
	for _, c := range packers {
		in, _ := sides(f, c.with(limit))
		ins = append(ins, in)
	}
	tells, _ := sides(f, &decompress{MaxSize: limit})
	ins = append(ins, tells)
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		r := run(t, ins[int(which)%len(ins)], data)
		if len(r.messages)+len(r.lost) != 1 || len(r.errs) != 0 {
			t.Fatalf("one message became %+v", r)
		}
		for _, m := range r.messages {
			if len(m) > limit {
				t.Fatalf("%d bytes came out", len(m))
			}
		}
	})
}

func BenchmarkWhole(b *testing.B) {
	message := strings.Repeat(`{"user":"someone","value":12.5},`, 32)
	for _, c := range packers {
		packed := pack(b, c.spec.Config(), message)
		in, out := sides(b, c.spec.Config())
		nothing := func([]byte) error { return nil }
		b.Run(c.spec.Name+" in", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = in.Process(packed, nothing)
			}
		})
		b.Run(c.spec.Name+" out", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = out.Process([]byte(message), nothing)
			}
		})
	}
}
