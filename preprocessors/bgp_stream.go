package preprocessors

import (
	"encoding/binary"
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var bgpStreamSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "bgp_stream",
	Summary: "messages are BGP messages that follow each other, told apart by their lengths",
	Doc: `Inwards, splits a stream of messages of BGP itself (` + "`raw`" + `), of MRT files (` + "`mrt`" + `), of the BGP monitoring protocol (` + "`bmp`" + `) or of OpenBMP
(` + "`obmp`" + `); each says in its header how long it is. Outwards, writes them one behind the other, and refuses what is no whole
message of the format. The codec ` + "`bgp`" + ` brings it along on streams of bytes.

A message longer than ` + "`max_length`" + ` is reported to ` + "`err`" + ` with its beginning, and exactly its bytes are passed over. A header that is
none leaves no border to find: what has arrived with it is lost, and the next read is taken to begin a message. One within which the stream ends is an error of the kind "truncated".`,
	Example: `connector "stdio" "console" {
  preprocessors  = [{ name = "bgp_stream", format = "mrt" }]
  codec          = { name = "bgp", format = "mrt" }
  postprocessors = [{ name = "bgp_stream", format = "mrt" }]
}

connect "echo" {
  from = connector.console
  to   = connector.console
}
`,
	Config: func() flow.ProcessorConfig { return &bgpStream{Format: "raw", MaxLength: 1 << 20} },
}

type bgpStream struct {
	Format    string       `hcl:"format" oneof:"raw|mrt|bmp|obmp" doc:"what the messages are"`
	MaxLength setting.Size `hcl:"max_length" min:"19B" doc:"longest message taken, inwards"`
}

func (c *bgpStream) New() (in, out func() flow.Processor, err error) {
	header, length := bgpHeaders[c.Format], int(c.MaxLength)
	in = func() flow.Processor {
		p := &struct {
			values
			finder headerFinder
		}{values{format: "BGP", max: length}, headerFinder{header: header}}
		p.find = &p.finder
		return &p.values
	}
	out = func() flow.Processor {
		p := &struct {
			single
			finder headerFinder
		}{single{format: "BGP"}, headerFinder{header: header}}
		p.find = &p.finder
		return &p.single
	}
	return in, out, nil
}

func (c *bgpStream) Frames() bool { return true }
func (c *bgpStream) Text() bool   { return false }

// header says how a message tells its length: in its first size bytes.
type header struct {
	size   int
	length func(head []byte) (uint64, error)
}

const longestHeader = 19

var errBGPHeader = errors.New("it does not begin as one")

var bgpHeaders = map[string]*header{
	"raw": {19, func(b []byte) (uint64, error) {
		for _, c := range b[:16] {
			if c != 0xff {
				return 0, errBGPHeader
			}
		}
		return uint64(binary.BigEndian.Uint16(b[16:])), nil
	}},
	"mrt": {12, func(b []byte) (uint64, error) {
		return 12 + uint64(binary.BigEndian.Uint32(b[8:])), nil
	}},
	"bmp": {6, func(b []byte) (uint64, error) {
		if b[0] != 3 {
			return 0, errBGPHeader
		}
		return uint64(binary.BigEndian.Uint32(b[1:])), nil
	}},
	"obmp": {12, func(b []byte) (uint64, error) {
		if string(b[:5]) != "OBMP\x01" {
			return 0, errBGPHeader
		}
		return uint64(binary.BigEndian.Uint16(b[6:])) + uint64(binary.BigEndian.Uint32(b[8:])), nil
	}},
}

// headerFinder finds the ends of messages that tell their lengths.
type headerFinder struct {
	header *header
	head   [longestHeader]byte
	have   int    // bytes of the header that have come
	left   uint64 // bytes that follow the header
}

func (f *headerFinder) Skip([]byte) int { return 0 }

func (f *headerFinder) End() bool {
	*f = headerFinder{header: f.header}
	return false
}

func (f *headerFinder) Next(p []byte) (int, bool, error) {
	i := 0
	if f.have < f.header.size {
		i = copy(f.head[f.have:f.header.size], p)
		if f.have += i; f.have < f.header.size {
			return i, false, nil
		}
		total, err := f.header.length(f.head[:f.have])
		if err != nil || total < uint64(f.have) {
			f.End()
			return len(p), false, errBGPHeader
		}
		f.left = total - uint64(f.have)
	}
	pass := min(f.left, uint64(len(p)-i))
	f.left -= pass
	if i += int(pass); f.left > 0 {
		return i, false, nil
	}
	f.End()
	return i, true, nil
}
