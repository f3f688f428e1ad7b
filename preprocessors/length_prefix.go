package preprocessors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var lengthPrefixSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "length_prefix",
	Summary: "each message follows its length",
	Doc: `Inwards, splits a stream in which each message follows its length in bytes; a message may span several frames or
reads. Outwards, puts the length in front of each message. ` + "`size`" + ` says how the length is written: in 1, 2, 4 or 8
bytes of the given ` + "`order`" + `; as a ` + "`\"varint\"`" + ` (LEB128, unsigned, as in Protocol Buffers); or as ` + "`\"text\"`" + `, decimal
digits and a space (the octet counting of RFC 6587).

A message longer than ` + "`max_length`" + ` is reported to ` + "`err`" + ` once, with what has come of its beginning, and exactly its bytes
are passed over, so the messages after it are safe. Nothing is set aside for a length that is only announced.

A length that is none (a letter in a text, a varint of more than 64 bits) leaves no border to find: what has arrived
with it is lost, and the next frame or read is taken to begin with a length. On a connection that carries messages
that is a new chance; on a stream of bytes it is a guess. A stream that ends within a message loses
that message: an error of the kind "truncated".`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = [{ name = "length_prefix", size = 4, max_length = "64KiB" }]
  codec          = "json"
  postprocessors = [{ name = "length_prefix", size = 4 }]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig {
		return &lengthPrefix{Size: "8", Order: "big", MaxLength: 1 << 20}
	},
}

type lengthPrefix struct {
	Size      prefixSize   `hcl:"size" doc:"how the length is written: 1, 2, 4 or 8 bytes, \"varint\" or \"text\""`
	Order     string       `hcl:"order" oneof:"big|little" doc:"byte order of a length of 2, 4 or 8 bytes"`
	MaxLength setting.Size `hcl:"max_length" min:"1B" doc:"longest message taken, inwards"`
}

// prefixSize is the argument size: "1", "2", "4", "8", "varint" or "text".
type prefixSize string

// UnmarshalText takes one of the sizes.
func (z *prefixSize) UnmarshalText(text []byte) error {
	switch s := string(text); s {
	case "1", "2", "4", "8", "varint", "text":
		*z = prefixSize(s)
		return nil
	}
	return fmt.Errorf("%q is not a size of a length: write 1, 2, 4, 8, \"varint\" or \"text\"", text)
}

func (c *lengthPrefix) New() (in, out func() flow.Processor, err error) {
	form := prefixForm{size: c.Size, order: binary.BigEndian}
	if c.Order == "little" {
		form.order = binary.LittleEndian
	}
	if n, err := strconv.Atoi(string(c.Size)); err == nil {
		form.bytes = n
	}
	longest := uint64(c.MaxLength)
	in = func() flow.Processor { return &unframer{form: &form, longest: longest} }
	out = func() flow.Processor { return &framer{form: &form} }
	return in, out, nil
}

func (c *lengthPrefix) Frames() bool { return true }
func (c *lengthPrefix) Text() bool   { return c.Size == "text" }

// prefixForm reads and writes lengths.
type prefixForm struct {
	size  prefixSize
	bytes int // 0 for varint and text
	order interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}
}

// longestPrefix is that of a text: 20 digits and a space.
const longestPrefix = 21

// read returns the length that p begins with, and how many bytes it is written
// in: 0 when p ends before it does, and is shorter than longestPrefix then.
func (f *prefixForm) read(p []byte) (length uint64, n int, err error) {
	switch {
	case f.size == "varint":
		length, n = binary.Uvarint(p)
		if n < 0 || n == 0 && len(p) >= binary.MaxVarintLen64 {
			return 0, 0, fmt.Errorf("split by length: % x begins with no varint of at most 64 bits: check that its sender writes one before each message", p[:min(len(p), longestPrefix)])
		}
		return length, n, nil
	case f.size == "text":
		return readText(p)
	case len(p) < f.bytes:
		return 0, 0, nil
	}
	switch f.bytes {
	case 1:
		length = uint64(p[0])
	case 2:
		length = uint64(f.order.Uint16(p))
	case 4:
		length = uint64(f.order.Uint32(p))
	default:
		length = f.order.Uint64(p)
	}
	return length, f.bytes, nil
}

func readText(p []byte) (length uint64, n int, err error) {
	for i, c := range p {
		digit := uint64(c - '0')
		switch {
		case c == ' ' && i > 0:
			return length, i + 1, nil
		case c < '0' || c > '9' || i == longestPrefix-1 || length > (math.MaxUint64-digit)/10:
			return 0, 0, fmt.Errorf("split by length: %q does not begin with a decimal length and a space: check that its sender writes them before each message", p[:min(len(p), longestPrefix)])
		}
		length = length*10 + digit
	}
	return 0, 0, nil
}

// append writes a length; false when it does not fit.
func (f *prefixForm) append(dst []byte, length uint64) ([]byte, bool) {
	switch {
	case f.size == "varint":
		return binary.AppendUvarint(dst, length), true
	case f.size == "text":
		return append(strconv.AppendUint(dst, length, 10), ' '), true
	case f.bytes < 8 && length>>(8*f.bytes) > 0:
		return dst, false
	}
	switch f.bytes {
	case 1:
		return append(dst, byte(length)), true
	case 2:
		return f.order.AppendUint16(dst, uint16(length)), true
	case 4:
		return f.order.AppendUint32(dst, uint32(length)), true
	default:
		return f.order.AppendUint64(dst, length), true
	}
}

// unframer is length_prefix inwards. It stands before a length (of which head
// has the first bytes), in a message (of which held has the first bytes), or
// in a message that is passed over. held and spare take turns, as in splitter.
type unframer struct {
	form    *prefixForm
	longest uint64
	head    [longestPrefix]byte
	headLen int
	missing uint64 // bytes of the message that have not come, while it is read
	skip    uint64 // bytes of the message that have not come, while it is passed over
	held    []byte
	spare   []byte
	open    int64 // bytes since the last message ended
}

// Held implements flow.Holder.
func (u *unframer) Held() int64 { return u.open }

func (u *unframer) Process(p []byte, emit func([]byte) error) error {
	var lost losses
	u.open += int64(len(p))
	for len(p) > 0 {
		switch {
		case u.skip > 0:
			n := min(u.skip, uint64(len(p)))
			p = p[n:]
			if u.skip -= n; u.skip == 0 {
				u.open = int64(len(p))
			}
			continue
		case u.missing == 0:
			length, n, err := u.length(p)
			if err != nil {
				u.headLen, u.open = 0, 0
				return lost.and(err)
			}
			if n == 0 {
				return lost.and(nil)
			}
			p = p[n:]
			if length > u.longest {
				lost.add(lose(p[:min(uint64(len(p)), length, excerpt)], "split by length: a message of %d bytes is longer than max_length %v: raise max_length, or check size and order", length, setting.Size(u.longest)))
				u.skip = length
				continue
			}
			u.missing = length
		}
		if uint64(len(p)) < u.missing {
			u.held = append(u.held, p...)
			u.missing -= uint64(len(p))
			break
		}
		message := p[:u.missing]
		p = p[u.missing:]
		u.missing, u.open = 0, int64(len(p))
		if len(u.held) > 0 {
			message = append(u.held, message...)
			u.held, u.spare = u.spare, reusable(message)
		}
		if err := emit(message); err != nil {
			u.abandon(p)
			return lost.and(err)
		}
	}
	return lost.and(nil)
}

// length reads a length that may have begun in an earlier p. n is how much of
// p belongs to it; 0 when p does not suffice and has been kept.
func (u *unframer) length(p []byte) (length uint64, n int, err error) {
	if u.headLen == 0 {
		if length, n, err = u.form.read(p); n == 0 && err == nil {
			u.headLen = copy(u.head[:], p)
		}
		return length, n, err
	}
	before := u.headLen
	have := before + copy(u.head[before:], p)
	length, n, err = u.form.read(u.head[:have])
	if n == 0 {
		u.headLen = have
		return 0, 0, err
	}
	u.headLen = 0
	return length, n - before, nil
}

// abandon passes over the rest of a call, and the message that it ends within.
func (u *unframer) abandon(p []byte) {
	u.open = 0
	_ = u.Process(p, func([]byte) error { return nil })
	u.skip += u.missing
	u.missing = 0
	u.held = reusable(u.held)
}

const errEndsWithin = cutOff("split by length: the stream ends within a message or its length")

func (u *unframer) Finish(func([]byte) error) error {
	var lost losses
	switch {
	case u.missing > 0:
		lost.add(&flow.Loss{Err: errEndsWithin, Raw: bytes.Clone(u.held)})
	case u.headLen > 0:
		lost.add(&flow.Loss{Err: errEndsWithin, Raw: bytes.Clone(u.head[:u.headLen])})
	}
	u.headLen, u.missing, u.skip, u.open = 0, 0, 0, 0
	u.held = reusable(u.held)
	return lost.and(nil)
}

// framer is length_prefix outwards.
type framer struct {
	form *prefixForm
	buf  []byte
}

func (f *framer) Process(p []byte, emit func([]byte) error) error {
	b, fits := f.form.append(f.buf[:0], uint64(len(p)))
	if !fits {
		return lose(p, "write the length of a message: %d bytes do not fit a length of size %s: choose a larger size", len(p), f.form.size)
	}
	b = append(b, p...)
	f.buf = reusable(b)
	return emit(b)
}

func (f *framer) Finish(func([]byte) error) error { return nil }

// Stateless implements flow.Stateless.
func (*framer) Stateless() {}
