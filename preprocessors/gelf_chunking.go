package preprocessors

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var gelfChunkingSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "gelf_chunking",
	Summary: "long messages are cut into chunks, as GELF does it for datagrams",
	Doc: `A chunk is the bytes 0x1e 0x0f, the id of its message in eight bytes, its number and how many there are in one byte each,
and a part of the message.

Inwards, puts messages together whose chunks come in any order. What does not begin as a chunk passes as it is, a chunk that
came before is passed over. A message whose chunks have not all come within ` + "`timeout`" + `, that is longer than ` + "`max_length`" + `, or
that is the oldest of more than ` + "`max_pending`" + ` is lost and reported to ` + "`err`" + `, as soon as something else comes in; so is what is
unfinished when the connection ends.

Outwards, cuts messages that are longer than ` + "`max_chunk`" + ` into chunks of at most this size, their heads included; those that
would need more than ` + "`max_chunks`" + ` are refused. Shorter ones pass as they are.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["gelf_chunking"]
  codec          = "json"
  postprocessors = [{ name = "gelf_chunking", max_chunk = "8KiB" }]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig {
		return &gelfChunking{
			MaxChunk: 1420, MaxChunks: 128, MaxLength: 1 << 20, MaxPending: 64,
			Timeout: setting.Duration(5 * time.Second),
		}
	},
}

type gelfChunking struct {
	MaxChunk   setting.Size     `hcl:"max_chunk" min:"64B" doc:"longest message that is not cut, and longest chunk, outwards"`
	MaxChunks  int              `hcl:"max_chunks" min:"2" max:"128" doc:"most chunks of a message, in both directions"`
	MaxLength  setting.Size     `hcl:"max_length" min:"1B" doc:"longest message that is put together, inwards"`
	MaxPending int              `hcl:"max_pending" min:"1" max:"10000" doc:"most messages that wait for chunks, on each connection, inwards"`
	Timeout    setting.Duration `hcl:"timeout" min:"1ms" doc:"how long a message waits for its chunks, inwards"`
}

func (c *gelfChunking) New() (in, out func() flow.Processor, err error) {
	shared := *c
	in = func() flow.Processor { return &gelfJoiner{cfg: &shared} }
	out = func() flow.Processor { return &gelfCutter{cfg: &shared} }
	return in, out, nil
}

func (c *gelfChunking) Frames() bool { return false }
func (c *gelfChunking) Text() bool   { return false }

const (
	gelfMagic = "\x1e\x0f"
	gelfHead  = len(gelfMagic) + 8 + 2
)

// gelfJoiner is gelf_chunking inwards. pending is in the order in which the
// first chunks came.
type gelfJoiner struct {
	cfg     *gelfChunking
	pending []*gelfMessage
	out     []byte
}

// gelfMessage is a message of which some chunks have come.
type gelfMessage struct {
	id     uint64
	parts  [][]byte
	have   int
	length int
	since  time.Time
}

func (j *gelfJoiner) Process(p []byte, emit func([]byte) error) error {
	var lost losses
	if len(j.pending) > 0 {
		j.expire(&lost)
	}
	if !bytes.HasPrefix(p, []byte(gelfMagic)) {
		return lost.and(emit(p))
	}
	m, err := j.take(p, &lost)
	switch {
	case err != nil:
		lost.add(&flow.Loss{Err: fmt.Errorf("put GELF chunks together: %w", err), Raw: bytes.Clone(p)})
	case m != nil:
		j.out = append(reusable(j.out), bytes.Join(m.parts, nil)...)
		return lost.and(emit(j.out))
	}
	return lost.and(nil)
}

// take notes a chunk. It returns the message that is complete with it.
func (j *gelfJoiner) take(p []byte, lost *losses) (*gelfMessage, error) {
	if len(p) < gelfHead {
		return nil, fmt.Errorf("a chunk of %d bytes is shorter than its head of %d", len(p), gelfHead)
	}
	id, number, count := binary.BigEndian.Uint64(p[2:]), int(p[10]), int(p[11])
	if count > j.cfg.MaxChunks || number >= count {
		return nil, fmt.Errorf("a chunk has number %d of %d, and max_chunks is %d", number, count, j.cfg.MaxChunks)
	}
	m := j.message(id, count, lost)
	data := p[gelfHead:]
	switch {
	case len(m.parts) != count:
		return nil, fmt.Errorf("a chunk says that its message has %d chunks, an earlier one said %d", count, len(m.parts))
	case m.parts[number] != nil:
		return nil, nil
	case m.length+len(data) > int(j.cfg.MaxLength):
		j.drop(m)
		lost.add(m.loss("its length exceeds max_length %v: raise max_length if that is expected", j.cfg.MaxLength))
		return nil, nil
	}
	m.parts[number] = append([]byte{}, data...)
	m.have++
	m.length += len(data)
	if m.have < count {
		return nil, nil
	}
	j.drop(m)
	return m, nil
}

// message finds the message of an id, or begins it.
func (j *gelfJoiner) message(id uint64, count int, lost *losses) *gelfMessage {
	for _, m := range j.pending {
		if m.id == id {
			return m
		}
	}
	if len(j.pending) == j.cfg.MaxPending {
		oldest := j.pending[0]
		j.drop(oldest)
		lost.add(oldest.loss("more than max_pending %d messages wait for chunks", j.cfg.MaxPending))
	}
	m := &gelfMessage{id: id, parts: make([][]byte, count), since: time.Now()}
	j.pending = append(j.pending, m)
	return m
}

// expire drops what has waited too long.
func (j *gelfJoiner) expire(lost *losses) {
	now := time.Now()
	for len(j.pending) > 0 && now.Sub(j.pending[0].since) >= time.Duration(j.cfg.Timeout) {
		m := j.pending[0]
		j.drop(m)
		lost.add(m.loss("the others have not come within timeout %v", j.cfg.Timeout))
	}
}

func (j *gelfJoiner) drop(m *gelfMessage) {
	for i := range j.pending {
		if j.pending[i] == m {
			j.pending = append(j.pending[:i], j.pending[i+1:]...)
			break
		}
	}
	if len(j.pending) == 0 {
		j.pending = nil
	}
}

func (j *gelfJoiner) Finish(func([]byte) error) error {
	var lost losses
	for _, m := range j.pending {
		lost.add(m.loss("the connection ends before the others have come"))
	}
	j.pending, j.out = nil, nil
	return lost.and(nil)
}

// loss reports a message that will not be complete, with the beginning of what
// has come of it.
func (m *gelfMessage) loss(format string, args ...any) *flow.Loss {
	raw := bytes.Join(m.parts, nil)
	args = append([]any{m.have, len(m.parts)}, args...)
	return lose(raw[:min(len(raw), excerpt)], "put GELF chunks together: %d of %d chunks of a message have come: "+format, args...)
}

// gelfCutter is gelf_chunking outwards. The ids of its messages count from
// where chance has put this connection.
type gelfCutter struct {
	cfg   *gelfChunking
	first [8]byte
	drawn bool
	count uint64
	out   []byte
}

func (c *gelfCutter) Process(p []byte, emit func([]byte) error) error {
	if len(p) <= int(c.cfg.MaxChunk) {
		return emit(p)
	}
	room := int(c.cfg.MaxChunk) - gelfHead
	chunks := (len(p) + room - 1) / room
	if chunks > c.cfg.MaxChunks {
		return lose(p[:min(len(p), excerpt)], "cut a message into GELF chunks: its %d bytes would need %d chunks, and max_chunks is %d: raise max_chunk, or compress before", len(p), chunks, c.cfg.MaxChunks)
	}
	if !c.drawn {
		c.drawn = true
		_, _ = rand.Read(c.first[:]) // it never fails
	}
	id := binary.BigEndian.Uint64(c.first[:]) + c.count
	c.count++
	b := c.out[:0]
	for i := range chunks {
		b = append(b, gelfMagic...)
		b = binary.BigEndian.AppendUint64(b, id)
		b = append(b, byte(i), byte(chunks))
		b = append(b, p[i*room:min(len(p), (i+1)*room)]...)
	}
	c.out = reusable(b)
	for len(b) > 0 {
		n := min(len(b), int(c.cfg.MaxChunk))
		if err := emit(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (c *gelfCutter) Finish(func([]byte) error) error {
	c.count = 0
	return nil
}
