package interop

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
)

// feed is a server that a flow subscribes to.
type feed struct {
	*httptest.Server
	say chan []byte
}

// newFeed makes a feed for who knows its token and asks for the host.
func newFeed(t *testing.T, token, subscription string) *feed {
	t.Helper()
	f := &feed{say: make(chan []byte)}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("the feed is asked with Authorization %q", got)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Errorf("the feed is asked for something else: %v", err)
			return
		}
		defer c.CloseNow()
		if _, got, err := c.Read(r.Context()); err != nil || string(got) != subscription {
			t.Errorf("the feed is sent %s, %v, not %s", got, err, subscription)
			return
		}
		gone := c.CloseRead(r.Context())
		for {
			select {
			case text := <-f.say:
				if c.Write(gone, websocket.MessageText, text) != nil {
					return
				}
			case <-gone.Done():
				return
			}
		}
	}))
	t.Cleanup(f.Close)
	return f
}

// publish sends what a page asks it to send.
func (f *feed) publish(_ http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return // the page hears of that
	}
	select {
	case f.say <- text:
	case <-r.Context().Done():
	}
}
