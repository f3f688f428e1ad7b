package ws

import (
	"errors"

	"github.com/flowrun/flowrun/connectors/ws/internal/deflate"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Deflate is the block compression_options.
type Deflate struct {
	Level      int          `hcl:"level" min:"1" max:"9" doc:"from 1, fast, to 9, small"`
	MinSize    setting.Size `hcl:"min_size" min:"128B" doc:"shorter messages are sent as they are"`
	WindowBits int          `hcl:"window_bits" min:"9" max:"15" doc:"with context_takeover, a connection keeps the last 2^window_bits bytes of what it has sent, and each message is compressed with a look at them: more are smaller messages, for memory and time"`
}

// SetDefaults implements flow.Defaulter.
func (d *Deflate) SetDefaults() { *d = Deflate{Level: 1, MinSize: 128, WindowBits: 12} }

// checkCompression finds options that would do nothing.
func (c *Common) checkCompression() error {
	if c.Deflate == nil || c.Compression != "off" {
		return nil
	}
	return &setting.Error{Field: "compression_options", Err: errors.New(`compression_options needs compression = "no_context_takeover" or "context_takeover": nothing is compressed otherwise`)}
}

// compression is what c asks for.
func (c *Common) compression() deflate.Options {
	d := c.Deflate
	if d == nil {
		d = &Deflate{}
		d.SetDefaults()
	}
	return deflate.Options{
		On:              c.Compression != "off",
		ContextTakeover: c.Compression == "context_takeover",
		Level:           d.Level,
		MinSize:         int(d.MinSize),
		WindowBits:      d.WindowBits,
	}
}
