package preprocessors

import (
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var chunkSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "chunk",
	Summary: "long messages are cut into several",
	Doc: `Outwards only. A message that is longer than ` + "`max_bytes`" + ` leaves as several, each a frame, datagram or request of its own:
all of this size but the last. Nothing is added to them, so that whoever reads them must know where a message ends: by a
` + "`separate`" + ` or ` + "`length_prefix`" + ` before this one, or since only one is sent. ` + "`gelf_chunking`" + ` numbers its pieces instead.

A cut may fall inside of a character, so what leaves is binary unless the flow says otherwise. On a stream of bytes there is
nothing to cut for.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate", { name = "chunk", max_bytes = "16KiB" }]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &chunking{MaxBytes: 64 << 10} },
}

type chunking struct {
	MaxBytes setting.Size `hcl:"max_bytes" min:"1B" doc:"longest piece"`
}

func (c *chunking) New() (in, out func() flow.Processor, err error) {
	out = func() flow.Processor { return cutter{int(c.MaxBytes)} }
	return nil, out, nil
}

func (c *chunking) Frames() bool { return false }
func (c *chunking) Text() bool   { return false }

// cutter is chunk outwards.
type cutter struct{ most int }

func (c cutter) Process(p []byte, emit func([]byte) error) error {
	for len(p) > c.most {
		if err := emit(p[:c.most]); err != nil {
			return err
		}
		p = p[c.most:]
	}
	return emit(p)
}

func (cutter) Finish(func([]byte) error) error { return nil }

// Stateless implements flow.Stateless.
func (cutter) Stateless() {}
