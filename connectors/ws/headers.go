package ws

import (
	"fmt"
	"net/textproto"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
)

// handshakeHeaders belong to the handshake itself (RFC 6455 section 4).
var handshakeHeaders = []string{
	"Connection", "Upgrade", "Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Key",
	"Sec-Websocket-Protocol", "Sec-Websocket-Version", "Content-Length", "Transfer-Encoding",
}

// isToken reports whether name is one by the grammar of RFC 9110 section 5.6.2.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

// checkHeader checks a header field that a flow adds to a handshake, by the
// grammar of RFC 9110 section 5. The value is not shown: it may be a secret.
func checkHeader(name, value string) error {
	refuse := func(format string, args ...any) error {
		return &flow.FieldError{Field: "headers." + name, Err: fmt.Errorf(format, args...)}
	}
	if !isToken(name) {
		return refuse("%q is no name of a header field: it holds letters, digits and hyphens", name)
	}
	for _, taken := range handshakeHeaders {
		if textproto.CanonicalMIMEHeaderKey(name) == taken {
			return refuse("the header field %s belongs to the handshake and cannot be set", name)
		}
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return refuse("the value of the header field %s has a line break", name)
	}
	return nil
}
