package peer

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// echo is a server that somebody else wrote. The path says what it does
// beside echoing.
func echo(t *testing.T) (addr string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil // the same each time
		switch r.URL.Path {
		case "/denied":
			w.Header().Set("WWW-Authenticate", "Basic realm=\"flow\"")
			http.Error(w, "not you", http.StatusUnauthorized)
			return
		case "/headers":
			if r.Header.Get("Authorization") != "Bearer abc" || r.Header.Get("X-Index") != "0" {
				http.Error(w, "headers are missing", http.StatusForbidden)
				return
			}
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"v2"}})
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		c.SetReadLimit(-1)
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		if code, err := strconv.Atoi(r.URL.Query().Get("close")); err == nil {
			_ = c.Close(websocket.StatusCode(code), "as you wish")
			return
		}
		for _, hello := range r.URL.Query()["say"] {
			_ = c.Write(ctx, websocket.MessageText, []byte(hello))
		}
		if r.URL.Path == "/ping" {
			c.CloseRead(ctx)
			_ = c.Ping(ctx)
			return
		}
		if r.URL.Path == "/cut" {
			return
		}
		for {
			kind, message, err := c.Read(ctx)
			if err != nil {
				return
			}
			if err := c.Write(ctx, kind, message); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}
