package listen

import (
	"bytes"

	"go.uber.org/zap"
)

// errorLog takes what net/http has to say. What is the same in all lines of
// one kind becomes the message, so that the limit works.
type errorLog struct{ log *zap.Logger }

func (e errorLog) Write(line []byte) (int, error) {
	text := bytes.TrimSpace(line)
	if rest, ok := bytes.CutPrefix(text, []byte("http: TLS handshake error from ")); ok {
		peer, cause, _ := bytes.Cut(rest, []byte(": "))
		e.log.Info("a TLS handshake did not succeed", zap.ByteString("peer", peer), zap.ByteString("error", cause))
		return len(line), nil
	}
	if rest, ok := bytes.CutPrefix(text, []byte("http: panic serving ")); ok {
		peer, stack, _ := bytes.Cut(rest, []byte(": "))
		e.log.Error("a request ended in a panic", zap.ByteString("peer", peer), zap.ByteString("stack", stack))
		return len(line), nil
	}
	e.log.Warn("the HTTP server has a problem", zap.ByteString("error", bytes.TrimPrefix(text, []byte("http: "))))
	return len(line), nil
}
