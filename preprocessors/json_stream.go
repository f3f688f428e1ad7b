package preprocessors

import (
	"github.com/flowrun/flowrun/preprocessors/internal/borders"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var jsonStreamSpec = flow.Spec[flow.ProcessorConfig]{
	Name:    "json_stream",
	Summary: "messages are JSON texts that follow each other, with or without something between them",
	Doc: `Inwards, splits a stream of JSON texts: directly behind each other, on lines of their own, or spread over several
lines. White space between them is passed over. A text may span several frames or reads. Numbers, ` + "`true`, `false` and `null`" + `
end where white space or another text begins, or with the stream; objects, lists and strings end by themselves.

Whether what it finds is JSON in all details is for the codec to say. A text whose end cannot be found (a bracket that
closes another kind, a line break in a string, something where only a comma can stand) is reported to ` + "`err`" + ` with its
beginning, and the next one is looked for at the next line that does not begin like the middle of one: a bad text costs
itself and what follows it in its last line. So is a text that is longer than ` + "`max_length`" + ` or deeper than ` + "`max_depth`" + `.
One within which the stream ends is an error of the kind "truncated".

Outwards, messages are written one behind the other; numbers and words with a newline behind them. A message that is
no JSON text is refused.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["json_stream"]
  codec          = "json"
  postprocessors = ["json_stream"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &jsonStream{MaxLength: 1 << 20, MaxDepth: 512} },
}

type jsonStream struct {
	MaxLength setting.Size `hcl:"max_length" min:"1B" doc:"longest text taken, inwards"`
	MaxDepth  int          `hcl:"max_depth" min:"1" max:"10000" doc:"how deep lists and objects may be nested"`
}

func (c *jsonStream) New() (in, out func() flow.Processor, err error) {
	length, depth := int(c.MaxLength), c.MaxDepth
	in = func() flow.Processor {
		p := &struct {
			values
			finder borders.JSON
		}{values{format: "JSON", max: length}, borders.JSON{MaxDepth: depth}}
		p.find = &p.finder
		return &p.values
	}
	out = func() flow.Processor {
		p := &struct {
			single
			finder borders.JSON
		}{single{format: "JSON", tail: "\n"}, borders.JSON{MaxDepth: depth}}
		p.find = &p.finder
		return &p.single
	}
	return in, out, nil
}

func (c *jsonStream) Frames() bool { return true }
func (c *jsonStream) Text() bool   { return true }
