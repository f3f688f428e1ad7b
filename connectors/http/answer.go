package http

import (
	"net/http"
	"strconv"
	"time"

	"github.com/flowrun/flowrun/connectors/http/internal/wrote"
	"github.com/flowrun/flowrun/runtime/access"
	"go.uber.org/zap"
)

// bufferedByNet is the size up to which net/http counts the bytes of an answer by
// itself.
const bufferedByNet = 2048

// push writes what is held, as a part of the answer. It is called by the handler.
func (x *exchange) push() error {
	x.mu.Lock()
	held := x.held
	x.held = nil
	head := x.head
	x.mu.Unlock()
	x.deadline()
	if !x.written {
		_ = x.control.EnableFullDuplex() // HTTP/1.1 has it
		x.begin(head, -1)
	}
	_, err := x.w.Write(held)
	if err == nil {
		err = x.control.Flush()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.held == nil && cap(held) <= largeBody {
		x.held = held[:0] // there is room for the next part
	}
	x.wake()
	return err
}

// conclude writes the answer, or the rest of it.
func (x *exchange) conclude() {
	x.mu.Lock()
	x.over = true
	held, head := x.held, x.head
	x.wake()
	x.mu.Unlock()
	x.deadline()
	if !x.written {
		status := x.begin(head, len(held))
		if status == http.StatusNoContent || status == http.StatusNotModified {
			return
		}
	}
	_, _ = x.w.Write(held) // to a client that may have left
}

// begin writes the head of the answer. length is that of the body, -1 when it is
// not known yet.
func (x *exchange) begin(head wrote.Wrote, length int) (status int) {
	h := x.w.Header()
	if length != 0 {
		h["Content-Type"] = x.server.contentType
	}
	for name, values := range x.server.headers {
		h[name] = values
	}
	head.Headers(h)
	status = statusOf(head)
	if status == 0 {
		status = x.server.config.Status
	}
	if length > bufferedByNet && h.Get("Content-Encoding") == "" {
		h["Content-Length"] = []string{strconv.Itoa(length)}
	}
	if x.ending || x.server.isEnding() {
		h.Set("Connection", "close")
	}
	x.written = true
	x.w.WriteHeader(status)
	return status
}

// refuse answers instead of the flow; where the answer has begun, it is cut, so
// that nobody takes it for whole. A client whose body has not been read is parted
// with. cause is for the log.
func (x *exchange) refuse(f *access.Refusal, cause error) {
	x.tell(f, cause)
	x.mu.Lock()
	x.over = true
	x.wake()
	x.mu.Unlock()
	if x.written {
		x.abort()
	}
	x.deadline()
	h := x.w.Header()
	for name, values := range x.server.headers {
		h[name] = values
	}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if x.ending || x.server.isEnding() || x.parted() != nil || f == tooLarge || f == tooSlow || f == malformed || f.Status == http.StatusUnsupportedMediaType {
		h.Set("Connection", "close")
	}
	x.written = true
	x.w.WriteHeader(f.Status)
	_, _ = x.w.Write(append(f.Body(), '\n')) // to a client that may have left
}

// tell logs that a request is not answered by the flow. The reason is in the message,
// which the log limits by.
func (x *exchange) tell(f *access.Refusal, cause error) {
	level, what := zap.InfoLevel, "request refused: "
	if f.Status >= http.StatusInternalServerError {
		level, what = zap.WarnLevel, "a request could not be served: "
	}
	x.server.host.Log().Log(level, what+f.Reason, zap.String("peer", x.r.RemoteAddr), zap.Int("status", f.Status), zap.String("code", f.Code), zap.Error(cause))
}

// abort cuts the connection.
func (x *exchange) abort() { panic(http.ErrAbortHandler) }

// deadline bounds the write that follows.
func (x *exchange) deadline() {
	_ = x.control.SetWriteDeadline(time.Now().Add(time.Duration(x.server.config.Queue.WriteTimeout))) // a broken connection shows when it is written to
}
