package http

import (
	"bytes"
	"time"

	"github.com/flowrun/flowrun/connectors/http/internal/wrote"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/sse"
)

// appendEvent spells a message as a Server-Sent Event. A line break at its end, which
// a postprocessor has put there, is no line of its own.
func appendEvent(dst, message []byte, said wrote.Wrote) []byte {
	e := sse.Event{Data: bytes.TrimSuffix(bytes.TrimSuffix(message, []byte{'\n'}), []byte{'\r'})}
	if fields := said.Get("sse").Object(); fields != nil {
		event, _ := fields.Get("event")
		id, _ := fields.Get("id")
		e.Name, e.ID = event.Text(), id.Text()
		if retry, _ := fields.Get("retry"); retry.Kind() == flow.Int {
			dst = sse.AppendRetry(dst, time.Duration(retry.Int())*time.Millisecond)
		}
	}
	return sse.Append(dst, e)
}

// chunkRoom is what the size of a chunk takes (RFC 9112 section 7.1), leading zeros
// included.
const chunkRoom = len("00000000\r\n")

// openChunk leaves room for the size of a chunk that begins here.
func openChunk(dst []byte) []byte { return append(dst, "00000000\r\n"...) }

// closeChunk ends the chunk that began at start.
func closeChunk(dst []byte, start int) []byte {
	const digits = "0123456789abcdef"
	n := len(dst) - start - chunkRoom
	for i := start + chunkRoom - 3; i >= start; i-- {
		dst[i] = digits[n&0xf]
		n >>= 4
	}
	return append(dst, "\r\n"...)
}

const lastChunk = "0\r\n\r\n"
