package preprocessors

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

var base64Spec = flow.Spec[flow.ProcessorConfig]{
	Name:    "base64",
	Summary: "messages are written in base64",
	Doc: `Each message is written in the standard alphabet of base64 (RFC 4648, section 4). Outwards it is padded with ` + "`=`" + `;
inwards the padding may be left out, and line breaks are passed over. A message that unpacks to more than ` + "`max_size`" + `,
or is no base64, is lost and reported to ` + "`err`" + `.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["separate", "base64"]
  codec          = "json"
  postprocessors = ["base64", "separate"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`,
	Config: func() flow.ProcessorConfig { return &base64Text{MaxSize: defaultMaxSize} },
}

type base64Text struct {
	MaxSize setting.Size `hcl:"max_size" min:"1B" doc:"most that a message may unpack to, inwards"`
}

func (c *base64Text) New() (in, out func() flow.Processor, err error) {
	limit := c.MaxSize
	in = each(func(dst, p []byte) ([]byte, error) {
		encoding := base64.StdEncoding
		if bytes.IndexByte(p, '=') < 0 {
			encoding = base64.RawStdEncoding
		}
		start := len(dst)
		dst, err := encoding.AppendDecode(dst, p)
		if err == nil && len(dst)-start > int(limit) {
			err = tooBig(limit)
		}
		if err != nil {
			err = fmt.Errorf("unpack a message as base64: %w", err)
		}
		return dst, err
	})
	out = each(func(dst, p []byte) ([]byte, error) {
		return base64.StdEncoding.AppendEncode(dst, p), nil
	})
	return in, out, nil
}

func (c *base64Text) Frames() bool { return false }
func (c *base64Text) Text() bool   { return true }
