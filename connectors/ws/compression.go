package ws

import (
	"github.com/flowrun/flowrun/connectors/ws/internal/socket"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Deflate is the block compression_options.
type Deflate struct {
	Level      int       `hcl:"level" min:"1" max:"9" doc:"from 1, fast, to 9, small"`
	MinSize    flow.Size `hcl:"min_size" min:"128B" doc:"shorter messages are sent as they are"`
	WindowBits int       `hcl:"window_bits" min:"9" max:"15" doc:"with context_takeover, a connection keeps the last 2^window_bits bytes of what it has sent, and each message is compressed with a look at them: more are smaller messages, for memory and time"`
}

var defaultDeflate = Deflate{Level: 1, MinSize: 128, WindowBits: 12}

func (d *Deflate) options(mode string) socket.Compression {
	return socket.Compression{
		On:              mode != "off",
		ContextTakeover: mode == "context_takeover",
		Level:           d.Level,
		MinSize:         int(d.MinSize),
		WindowBits:      d.WindowBits,
	}
}
