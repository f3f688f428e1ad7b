package preprocessors

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"
)

func xzOfThreeBlocks(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(xzBlocks)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reheaded returns a stream with another byte in the head of its first block, which is
// sound otherwise.
func reheaded(stream []byte, at int, to byte) []byte {
	b := bytes.Clone(stream)
	head := b[12 : 12+4*(int(b[12])+1)]
	head[at] = to
	binary.LittleEndian.PutUint32(head[len(head)-4:], crc32.ChecksumIEEE(head[:len(head)-4]))
	return b
}

// A small message may ask for a dictionary of 4 GiB, as `xz -9` asks for 64 MiB.
func TestXZDictionary(t *testing.T) {
	in, _ := sides(t, xzSpec.Config())
	const code = 4 // size of the head, flags, filter, size of its properties
	greedy := reheaded(pack(t, xzSpec.Config(), "hello"), code, 40)
	want := result{messages: []string{"hello"}}
	diff(t, want, run(t, in, greedy))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	diff(t, want, run(t, in, greedy))
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("a message of %d bytes took %d bytes of memory", len(greedy), got)
	}
	lossOf(t, in, reheaded(greedy, code, 41))
}

// What a message unpacks to is known before it is unpacked.
func TestXZBomb(t *testing.T) {
	in, _ := sides(t, xzSpec.Config())
	bomb := bytes.Clone(pack(t, xzSpec.Config(), "hello")[:12+12])
	for range 10_000 { // chunks of zeros, 2 MiB each
		bomb = append(bomb, 0xff, 0xff, 0xff, 0, 0, 0x5d, 0)
	}
	bomb = append(bomb, 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := lossOf(t, in, bomb)
	runtime.ReadMemStats(&after)
	if !strings.Contains(err.Error(), "it unpacks to more than max_size 1MiB") {
		t.Error(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("a bomb of %d bytes took %d bytes of memory", len(bomb), got)
	}
}

func TestXZRefused(t *testing.T) {
	in, _ := sides(t, xzSpec.Config())
	good := pack(t, xzSpec.Config(), strings.Repeat("hello ", 100))
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	many := append(bytes.Clone(good[:12]), bytes.Repeat(good[12:bytes.LastIndex(good, []byte("YZ"))-8-8], 300)...)
	for _, test := range []struct {
		name    string
		message []byte
		want    string
	}{
		{"another check", change(7, 2), "its check 2 is none of CRC-32, CRC-64 and SHA-256"},
		{"a head with another sum", change(12+4, 9), "the head of a block is damaged"},
		{"a filter for programs", reheaded(good, 2, 4), "its data passes another filter than LZMA2 alone"},
		{"two filters", reheaded(good, 1, 1), "its data passes another filter than LZMA2 alone"},
		{"a size without an end", reheaded(good, 1, 0x40), "another filter"},
		{"no LZMA2", change(12+12, 3), "its data is no LZMA2"},
		{"two streams", append(bytes.Clone(good), good...), "data after stream"},
		{"blocks upon blocks", many, ""},
	} {
		if err := lossOf(t, in, test.message); !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	for n := range good {
		lossOf(t, in, good[:n])
	}
}
