// Package packed reads and writes compressed files: streams of gzip, zstd and bzip2
// inwards, and outwards blocks of gzip and zstd that stand one behind the other,
// each for itself, so that a file can be appended to, and read as far as it is whole.
package packed

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The kinds there are; Auto stands for what the first bytes or the name tell. Bzip2 is
// for reading alone.
const (
	None  = "none"
	Auto  = "auto"
	Gzip  = "gzip"
	Zstd  = "zstd"
	Bzip2 = "bzip2"
)

// Block is how many bytes are packed together; a message that is larger by itself.
const Block = 256 << 10

// extensions are what compressed files are called.
var extensions = map[string]string{Gzip: ".gz", Zstd: ".zst"}

// Extension is what a file of a kind is called, with its dot; "" for None.
func Extension(kind string) string { return extensions[kind] }

// ByName is the compression that a file is to have by what it is called.
func ByName(path string) string {
	for kind, extension := range extensions {
		if filepath.Ext(path) == extension {
			return kind
		}
	}
	return None
}

// magic is what compressed data begins with.
var magic = []struct {
	kind  string
	begin []byte
}{
	{Gzip, []byte{0x1f, 0x8b}},
	{Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd}},
	{Bzip2, []byte("BZh")},
}

const (
	// maxWindow is the largest window of zstd that is unpacked, which bounds the
	// memory that it takes; `zstd --ultra` stays below it, --long=27 reaches it.
	maxWindow = 128 << 20
	// ahead is how much of a compressed file is read at a time.
	ahead = 64 << 10
)

// Reader returns what reads the content of a file, in a memory that is bounded, and
// what gives that memory back.
func Reader(kind string, file io.Reader) (io.Reader, func(), error) {
	nothing := func() {}
	if kind == None {
		return file, nothing, nil
	}
	in := bufio.NewReaderSize(file, ahead)
	if kind == Auto {
		kind = None
		for _, m := range magic {
			if begin, _ := in.Peek(len(m.begin)); bytes.Equal(begin, m.begin) {
				kind = m.kind
			}
		}
	} else if _, err := in.Peek(1); errors.Is(err, io.EOF) {
		return in, nothing, nil // a file that is empty is so in any form
	}
	switch kind {
	case Gzip:
		z, err := gzip.NewReader(in)
		return z, nothing, err
	case Zstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case Bzip2:
		return bzip2.NewReader(in), nothing, nil
	}
	return in, nothing, nil
}

// Packer makes a block of bytes of its own of each that it is given: the blocks of a
// file stand one behind the other, and each can be unpacked when those before it
// are whole. What Pack returns is valid until its next call.
type Packer interface{ Pack(raw []byte) []byte }

// NewPacker returns one for Gzip or Zstd, and nil for None.
func NewPacker(kind string) Packer {
	switch kind {
	case Gzip:
		return &gzipPacker{}
	case Zstd:
		z, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true)) // options that are always good
		return &zstdPacker{z: z}
	}
	return nil
}

type gzipPacker struct {
	z   *gzip.Writer
	out bytes.Buffer
}

func (p *gzipPacker) Pack(raw []byte) []byte {
	p.out.Reset()
	if p.z == nil {
		p.z = gzip.NewWriter(&p.out)
	} else {
		p.z.Reset(&p.out)
	}
	_, _ = p.z.Write(raw) // a buffer takes everything
	_ = p.z.Close()
	return p.out.Bytes()
}

type zstdPacker struct {
	z   *zstd.Encoder
	out []byte
}

func (p *zstdPacker) Pack(raw []byte) []byte {
	p.out = p.z.EncodeAll(raw, p.out[:0])
	return p.out
}

// Copy packs what is read, block by block, until its end or that of ctx.
func Copy(ctx context.Context, p Packer, to io.Writer, from io.Reader) error {
	raw := make([]byte, Block)
	for ctx.Err() == nil {
		n, err := io.ReadFull(from, raw)
		if n > 0 {
			if _, err := to.Write(p.Pack(raw[:n])); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// errForeign is about a file that cannot be appended to.
var errForeign = errors.New("it does not hold what its compression says: move it away, or correct `compression`")

// End returns where in a compressed file the last block ends that is whole:
// what follows is the beginning of one whose writing was cut off by a crash.
func End(kind string, file *os.File) (end int64, err error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return 0, err
	}
	if kind == Gzip {
		return wholeMembers(file)
	}
	return wholeFrames(file, info.Size())
}

// wholeMembers reads all of a gzip file, since that is how its members' ends are found.
func wholeMembers(file io.Reader) (end int64, err error) {
	count := &counter{from: file}
	in := bufio.NewReaderSize(count, ahead)
	var z gzip.Reader
	for {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return end, nil
		}
		if err := z.Reset(in); err != nil {
			return end, torn(err)
		}
		z.Multistream(false)
		if _, err := io.Copy(io.Discard, &z); err != nil {
			return end, torn(err)
		}
		end = count.n - int64(in.Buffered())
	}
}

// torn is nil when err is about an end that came too early.
func torn(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("%w (%w)", errForeign, err)
}

type counter struct {
	from io.Reader
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// wholeFrames goes from frame to frame of a zstd file (RFC 8878, section 3.1), and
// in them from block to block, without unpacking any.
func wholeFrames(file io.ReaderAt, size int64) (end int64, err error) {
	for end < size {
		next, err := frameEnd(file, end)
		if err != nil {
			return end, torn(err)
		}
		if next > size {
			return end, nil
		}
		end = next
	}
	return end, nil
}

// frameEnd returns where the frame ends that begins at a place; beyond the file's end
// for one that is cut off there.
func frameEnd(file io.ReaderAt, at int64) (int64, error) {
	var head [zstd.HeaderMaxSize]byte
	n, err := file.ReadAt(head[:], at)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	var h zstd.Header
	if err := h.Decode(head[:n]); err != nil {
		return 0, err
	}
	at += int64(h.HeaderSize)
	if h.Skippable {
		return at + int64(h.SkippableSize), nil
	}
	for last := false; !last; {
		if _, err := file.ReadAt(head[:3], at); err != nil {
			return 0, err
		}
		block := uint32(head[0]) | uint32(head[1])<<8 | uint32(head[2])<<16
		last = block&1 != 0
		at += 3
		switch kind, length := block>>1&3, int64(block>>3); kind {
		case 1: // one byte, repeated
			at++
		case 3:
			return 0, errForeign
		default:
			at += length
		}
	}
	if h.HasCheckSum {
		at += 4
	}
	return at, nil
}
