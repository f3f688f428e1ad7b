// Package xzhead looks at the heads of xz streams, before anybody unpacks them.
package xzhead

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// Magic is what a stream begins with.
const Magic = "\xfd7zXZ\x00"

// ErrTooBig is the error of a stream that unpacks to more than it may.
var ErrTooBig = errors.New("it unpacks to more than it may")

var (
	errCut    = errors.New("it ends before its data does")
	errFilter = errors.New("its data passes another filter than LZMA2 alone")
	errHeader = errors.New("the head of a block is damaged")
)

// maxBlocks is how many blocks a message may have, each of which costs a reader;
// the tools write one for several MiB.
const maxBlocks = 256

// Shrink returns a copy of a stream whose blocks ask for no larger dictionary than
// what they unpack to. Any head may ask for 4 GiB, and the library would make room for
// that at once. It walks over heads of blocks and chunks without unpacking them, as
// sections 2 and 3 of the .xz file format and Igor Pavlov's LZMA2 say.
func Shrink(p []byte, limit int) ([]byte, error) {
	const streamHead = 12
	if len(p) < streamHead {
		return nil, errCut
	}
	if !bytes.HasPrefix(p, []byte(Magic)) {
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
			return nil, errCut
		}
		if b[at] == 0 { // the index, behind the last block
			return b, nil
		}
		size := 4 * (int(b[at]) + 1)
		if at+size > len(b) {
			return nil, errCut
		}
		head, data := b[at:at+size], b[at+size:]
		packed, n, err := walkLZMA2(data)
		if err != nil {
			return nil, err
		}
		if unpacked += n; unpacked > limit {
			return nil, ErrTooBig
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
	return 0, 0, errCut
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
