package codecs

import (
	"github.com/flowrun/flowrun/codecs/internal/stamp"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

var jsonLinesSpec = flow.Spec[flow.CodecConfig]{
	Name:    "json_lines",
	Summary: "each line is one JSON text",
	Doc: `It is the codec ` + "`json`" + ` with the processor ` + "`separate`" + `, which a connector uses in the directions for which it names no
processors itself: lines inwards, which may come several in a frame or go on in the next, and a newline behind each
text outwards. Lines longer than 64 KiB need the processor named, ` + "`preprocessors = [{ name = \"separate\", max_length = \"1MiB\" }]`" + `.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = { name = "json_lines", date_key = "date", date_format = "iso8601" }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.CodecConfig {
		return &jsonLinesConfig{MaxDepth: jsontext.DefaultDepth, Date: stamp.Date{Format: stamp.Double}}
	},
}

type jsonLinesConfig struct {
	SortKeys bool `hcl:"sort_keys" doc:"write the keys of objects in the order of their bytes"`
	MaxDepth int  `hcl:"max_depth" min:"1" max:"10000" doc:"how deep lists and objects may be nested, inwards"`
	stamp.Date
}

func (c *jsonLinesConfig) New() (func() flow.Codec, error) {
	return (&jsonConfig{SortKeys: c.SortKeys, MaxDepth: c.MaxDepth, Date: c.Date}).New()
}

func (*jsonLinesConfig) Text() bool { return true }

// MediaType implements flow.MediaTyper; the name is that of ndjson.org.
func (*jsonLinesConfig) MediaType() string { return "application/x-ndjson" }

// Framing is for connectors that name no processors; flows asks for it.
func (*jsonLinesConfig) Framing(bool) (in, out string) { return lines, lines }

// lines is the framing of codecs whose messages are lines.
const lines = `"separate"`
