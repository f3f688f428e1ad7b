package preprocessors

import (
	"bytes"
	stdgzip "compress/gzip"
	stdzlib "compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	"strings"
	"testing"
)

// What the tools of each format write for one message, and we must read.
func TestFormatsOfOthers(t *testing.T) {
	const message = "hello hello hello hello hello"
	for _, test := range []struct{ tool, format, hex string }{
		{"gzip -n", "gzip", "1f8b0800000000000003cb48cdc9c957c8c04e0200f6d253381d000000"},
		{"zlib of Python", "zlib", "789ccb48cdc9c957c8c04e0200a3100ae5"},
		{"zstd -3, of a pipe", "zstd", "28b52ffd04586500003068656c6c6f200100a94b11874e200a"},
		{"zstd -19, of a pipe", "zstd", "28b52ffd04686500003068656c6c6f200100a94b11874e200a"},
		{"zstd, of a file", "zstd", "28b52ffd241d6500003068656c6c6f200100a94b11874e200a"},
		{"lz4", "lz4", "04224d186440a70f0000006e68656c6c6f2006005068656c6c6f0000000079b1fff9"},
		{"lz4 --content-size -9", "lz4", "04224d186c401d000000000000003e0f0000006e68656c6c6f2006005068656c6c6f0000000079b1fff9"},
		{"xz", "xz", "fd377a585a000004e6d6b4460200210116000000742fe5a3e0001c000c5d00341949ee8de9573ac6af0000006478336b7cde9b6d0001281d5877dd1e1fb6f37d010000000004595a"},
		{"xz -9e --check=sha256", "xz", "fd377a585a00000ae1fb0ca1020021011c00000010cf58cce0001c000c5d00341949ee8de9573ac6af000000a181bf87a4251839d4b7133eeba71bd1a9c085cbfe14d404d7327a944e37917e0001401df796f9b3189b4b9a01000000000a595a"},
		{"xz --check=none", "xz", "fd377a585a000000ff12d9410200210116000000742fe5a3e0001c000c5d00341949ee8de9573ac6af0000000001201d50fd04d606729e7a010000000000595a"},
		{"xz -T2 --check=crc32 --block-size=16", "xz", xzBlocks},
	} {
		t.Run(test.tool, func(t *testing.T) {
			packed, err := hex.DecodeString(test.hex)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range packers {
				if c.spec.Name == test.format {
					in, _ := sides(t, c.spec.Config())
					diff(t, result{messages: []string{message}}, run(t, in, packed))
				}
			}
			in, _ := sides(t, decompressSpec.Config())
			diff(t, result{messages: []string{message}}, run(t, in, packed))
		})
	}
}

// xzBlocks is "hello hello hello hello hello" in blocks of 16 bytes.
const xzBlocks = "fd377a585a0000016922de3602c013102101160093b76c0be0000f000b5d00341949ee8de94e66a5e000000084fd5c2302c0130d21011600a0e41c93e0000c000b5d00378809069422ee8414c0000000bd856c5400022310230d0000d9bd3aa93e300d8b020000000001595a"

// The framing format of Snappy by hand: the stream identifier, padding, and a
// chunk of uncompressed data behind its masked CRC-32C.
func TestSnappyByHand(t *testing.T) {
	sum := crc32.Checksum([]byte("abc"), crc32.MakeTable(crc32.Castagnoli))
	chunk := func(masked uint32) []byte {
		b := []byte("\xff\x06\x00\x00sNaPpY" + "\xfe\x02\x00\x00\x00\x00" + "\x01\x07\x00\x00")
		return append(binary.LittleEndian.AppendUint32(b, masked), "abc"...)
	}
	good := chunk((sum>>15 | sum<<17) + 0xa282ead8)
	in, _ := sides(t, snappySpec.Config())
	diff(t, result{messages: []string{"abc"}}, run(t, in, good))
	lossOf(t, in, chunk(sum))
	lossOf(t, in, []byte("\x03\x08abc")) // the bare block format
}

// What we write with gzip and zlib is read by the standard library.
func TestReadByOthers(t *testing.T) {
	message := strings.Repeat("hello ", 1000)
	gz, err := stdgzip.NewReader(bytes.NewReader(pack(t, gzipSpec.Config(), message)))
	if err != nil {
		t.Fatal(err)
	}
	z, err := stdzlib.NewReader(bytes.NewReader(pack(t, zlibSpec.Config(), message)))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []io.Reader{gz, z} {
		if got, err := io.ReadAll(r); err != nil || string(got) != message {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}
