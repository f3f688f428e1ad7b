// Package sse writes Server-Sent Events: an answer to an HTTP request that goes on
// for as long as its client listens (WHATWG HTML, section 9.2).
//
// How they are spelled, [Append] and its like know, for who writes by other means.
//
// Such an answer outlives the timeouts that a server has for others, so a [Writer]
// lifts them, and gives each [Writer.Flush] a deadline of its own instead: a client
// that takes nothing is found out by it, one to whom there is nothing to say is
// not. What proxies need to hear to pass on each event at once is in the head.
package sse

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ContentType is the media type of the answer.
const ContentType = "text/event-stream"

// Event is one message for the client. Names and ids have one line; of more, the
// first.
type Event struct {
	Name string // "" for what clients call a message
	ID   string // what a client that comes back says it has heard last; "" for none
	Data []byte // text: what is not UTF-8 the client replaces
}

// Writer writes to one client. It is for one goroutine at a time.
type Writer struct {
	to      http.ResponseWriter
	conn    *http.ResponseController
	timeout time.Duration
	pending []byte
}

// maxIdle bounds the memory that a Writer keeps between two Flushes.
const maxIdle = 16 << 10

// Begin answers with the head of a stream. timeout is how long each Flush may take.
// Other fields of the head must have been set before. An error says that the server
// cannot do this, and nothing has been answered yet.
func Begin(w http.ResponseWriter, timeout time.Duration) (*Writer, error) {
	s := &Writer{to: w, conn: http.NewResponseController(w), timeout: timeout}
	// What the client sends now is nothing but its end.
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("lift the deadline of the request: %w", err)
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return nil, fmt.Errorf("lift the deadline of the answer: %w", err)
	}
	Head(w.Header())
	w.WriteHeader(http.StatusOK)
	return s, s.flush()
}

// Head sets the header fields of a stream.
func Head(h http.Header) {
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would wait for more
}

// Append spells an event.
func Append(dst []byte, e Event) []byte {
	dst = appendField(dst, "id: ", e.ID)
	dst = appendField(dst, "event: ", e.Name)
	rest := e.Data
	for more := true; more; {
		var line []byte
		line, rest, more = cutLine(rest)
		dst = append(append(append(dst, "data: "...), line...), '\n')
	}
	return append(dst, '\n')
}

// AppendComment spells a line that clients take no notice of: it shows those on the
// way that the connection is in use.
func AppendComment(dst []byte, text string) []byte {
	return append(append(append(dst, ": "...), firstLine(text)...), "\n\n"...)
}

// AppendRetry spells how long the client is to wait before it comes back, when the
// connection has ended.
func AppendRetry(dst []byte, after time.Duration) []byte {
	return fmt.Appendf(dst, "retry: %d\n\n", after.Milliseconds())
}

// Add puts an event behind what is to be written.
func (s *Writer) Add(e Event) { s.pending = Append(s.pending, e) }

// Comment puts a comment behind what is to be written.
func (s *Writer) Comment(text string) { s.pending = AppendComment(s.pending, text) }

// Retry puts behind what is to be written how long the client is to wait.
func (s *Writer) Retry(after time.Duration) { s.pending = AppendRetry(s.pending, after) }

// Pending is how many bytes are to be written.
func (s *Writer) Pending() int { return len(s.pending) }

// Flush writes all that was added. After an error the client has gone, or takes
// nothing: the answer is over.
func (s *Writer) Flush() error {
	if len(s.pending) == 0 {
		return nil
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	if _, err := s.to.Write(s.pending); err != nil {
		return err
	}
	if s.pending = s.pending[:0]; cap(s.pending) > maxIdle {
		s.pending = nil
	}
	return s.flush()
}

// flush hands over what the server holds. Between two of them there is no deadline:
// HTTP/2 would end the stream at its time although nothing is to be written.
func (s *Writer) flush() error {
	if err := s.conn.Flush(); err != nil {
		return err
	}
	return s.conn.SetWriteDeadline(time.Time{})
}

func appendField(dst []byte, name, value string) []byte {
	if value = firstLine(value); value == "" {
		return dst
	}
	return append(append(append(dst, name...), value...), '\n')
}

// cutLine returns the first line of text, and whether others follow. Any of the
// three line ends of the format is one: what a client would take for the beginning
// of a field must not be one.
func cutLine(text []byte) (line, rest []byte, more bool) {
	i := bytes.IndexAny(text, "\r\n")
	if i < 0 {
		return text, nil, false
	}
	end := i + 1
	if text[i] == '\r' && end < len(text) && text[end] == '\n' {
		end++
	}
	return text[:i], text[end:], true
}

func firstLine(text string) string {
	if i := strings.IndexAny(text, "\r\n\x00"); i >= 0 {
		return text[:i]
	}
	return text
}
