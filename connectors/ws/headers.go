package ws

import (
	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/setting"
)

// handshakeHeaders belong to the handshake itself (RFC 6455 section 4).
var handshakeHeaders = []string{
	"Connection", "Upgrade", "Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Key",
	"Sec-Websocket-Protocol", "Sec-Websocket-Version", "Content-Length", "Transfer-Encoding",
}

// checkHeader checks a header field that a flow adds to a handshake.
func checkHeader(name, value string) error {
	if err := endpoint.CheckHeader(name, value, "the handshake", handshakeHeaders); err != nil {
		return &setting.Error{Field: "headers." + name, Err: err}
	}
	return nil
}
