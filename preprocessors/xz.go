package preprocessors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var xzSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "xz",
	Summary: "messages are compressed with xz",
	Doc: `Each message is one xz stream (the .xz file format 1.2.1, with LZMA2 alone) by itself. A message that unpacks to more
than ` + "`max_size`" + `, or is no complete xz stream, is lost and reported to ` + "`err`" + `.

It is there for peers that speak it: a message costs about ten times as much time as with ` + "`zstd`" + `, and memory that goes
again.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = [{ name = "xz", max_size = "256KiB" }]
  codec          = "json"
  postprocessors = ["xz"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &xzStream{MaxSize: defaultMaxSize} },
}

type xzStream struct {
	MaxSize setting.Size `hcl:"max_size" min:"1B" doc:"most that a message may unpack to, inwards"`
}

func (c *xzStream) New() (in, out func() flow.Processor, err error) {
	return each(unpackXZ(c.MaxSize)), each(packXZ), nil
}

func (c *xzStream) Frames() bool { return false }
func (c *xzStream) Text() bool   { return false }

// xzMagic is what a stream begins with.
const xzMagic = "\xfd7zXZ\x00"

// largestXZ is the largest dictionary that is written with: that of `xz -6`.
const largestXZ = 8 << 20

// packXZ writes a stream with a dictionary that is no larger than the message: the
// library makes room for all of it, and so do most readers.
func packXZ(dst, p []byte) ([]byte, error) {
	out := sink{dst}
	z, err := xz.WriterConfig{DictCap: min(max(len(p), lzma.MinDictCap), largestXZ)}.NewWriter(&out)
	if err == nil {
		if _, err = z.Write(p); err == nil {
			err = z.Close()
		}
	}
	if err != nil {
		err = fmt.Errorf("pack a message as xz: %w", err)
	}
	return out.b, err
}

func unpackXZ(limit setting.Size) convert {
	return unpacking("xz", func(dst, p []byte) ([]byte, error) {
		small, err := smallXZ(p, int(limit))
		if err != nil {
			return dst, err
		}
		r, err := xz.ReaderConfig{DictCap: lzma.MinDictCap, SingleStream: true}.NewReader(bytes.NewReader(small))
		if err != nil {
			return dst, unexpected(err)
		}
		return drain(dst, r, limit)
	})
}

var (
	errCutXZ  = errors.New("it ends before its data does")
	errFilter = errors.New("its data passes another filter than LZMA2 alone")
	errHeader = errors.New("the head of a block is damaged")
)

// maxBlocks is how many blocks a message may have, each of which costs a reader;
// the tools write one for several MiB.
const maxBlocks = 256

// smallXZ returns a copy of a stream whose blocks ask for no larger dictionary than
// what they unpack to. Any head may ask for 4 GiB, and the library would make room for
// that at once. It walks over heads of blocks and chunks without unpacking them, as
// sections 2 and 3 of the .xz file format and Igor Pavlov's LZMA2 say.
func smallXZ(p []byte, limit int) ([]byte, error) {
	const streamHead = 12
	if len(p) < streamHead {
		return nil, errCutXZ
	}
	if !bytes.HasPrefix(p, []byte(xzMagic)) {
		return nil, errors.New("it does not begin as xz")
	}
	check, known := map[byte]int{xz.None: 0, xz.CRC32: 4, xz.CRC64: 8, xz.SHA256: 32}[p[7]]
	if !known {
		return nil, fmt.Errorf("its check %d is none of CRC-32, CRC-64 and SHA-256", p[7])
	}
	b := bytes.Clone(p)
	unpacked, at := 0, streamHead
	for range maxBlocks {
		if at >= len(b) {
			return nil, errCutXZ
		}
		if b[at] == 0 { // the index, behind the last block
			return b, nil
		}
		size := 4 * (int(b[at]) + 1)
		if at+size > len(b) {
			return nil, errCutXZ
		}
		head, data := b[at:at+size], b[at+size:]
		packed, n, err := walkLZMA2(data)
		if err != nil {
			return nil, err
		}
		if unpacked += n; unpacked > limit {
			return nil, tooBig(setting.Size(limit))
		}
		if err := shrink(head, n); err != nil {
			return nil, err
		}
		at += size + (packed+3)&^3 + check
	}
	return nil, fmt.Errorf("it has more than %d blocks", maxBlocks)
}

// walkLZMA2 returns how long the chunks are that p begins with, and what they unpack
// to.
func walkLZMA2(p []byte) (packed, unpacked int, err error) {
	for at := 0; at < len(p); {
		control := int(p[at])
		head := 3
		switch {
		case control == 0:
			return at + 1, unpacked, nil
		case control >= 0xc0:
			head = 6
		case control >= 0x80:
			head = 5
		case control > 2:
			return 0, 0, errors.New("its data is no LZMA2")
		}
		if at+head > len(p) {
			break
		}
		size := int(binary.BigEndian.Uint16(p[at+1:])) + 1
		if head > 3 {
			unpacked += (control & 0x1f) << 16
			unpacked += size
			size = int(binary.BigEndian.Uint16(p[at+3:])) + 1
		} else {
			unpacked += size
		}
		at += head + size
	}
	return 0, 0, errCutXZ
}

// shrink makes the head of a block ask for a dictionary of at most size bytes, the
// next one that can be asked for.
func shrink(head []byte, size int) error {
	body, sum := head[:len(head)-4], head[len(head)-4:]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return errHeader
	}
	flags, at := body[1], 2
	for _, there := range []byte{0x40, 0x80} { // packed and unpacked size
		if flags&there == 0 {
			continue
		}
		_, n := binary.Uvarint(body[at:])
		if n <= 0 {
			return errHeader
		}
		at += n
	}
	if flags&0x03 != 0 || !bytes.HasPrefix(body[at:], []byte{0x21, 1}) || len(body) < at+3 {
		return errFilter
	}
	code := &body[at+2]
	if _, err := lzma.DecodeDictCap(*code); err != nil {
		return errHeader
	}
	*code = min(*code, lzma.EncodeDictCap(int64(max(size, lzma.MinDictCap))))
	binary.LittleEndian.PutUint32(sum, crc32.ChecksumIEEE(body))
	return nil
}
