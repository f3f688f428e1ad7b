package wire

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// echo is a server that somebody else wrote.
func echo(t *testing.T) (addr string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(-1)
		for {
			kind, message, err := c.Read(context.Background())
			if err != nil {
				return
			}
			if err := c.Write(context.Background(), kind, message); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestFrames(t *testing.T) {
	c, err := Dial(t.Context(), echo(t), "/")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	text := strings.Repeat("0123456789abcde", 5000)
	for _, size := range []int{0, 1, 7, 8, 125, 126, 127, 65535, 65536, len(text)} {
		for _, opcode := range []byte{Text, Binary} {
			if err := c.Send(Fin|opcode, []byte(text[:size])); err != nil {
				t.Fatal(err)
			}
			var got string
			for fin := false; !fin; {
				f, err := c.Next()
				if err != nil {
					t.Fatal(err)
				}
				if got == "" && f.Opcode != opcode {
					t.Errorf("sent opcode %d, got %d", opcode, f.Opcode)
				}
				got += string(f.Payload)
				fin = f.Fin
			}
			if got != text[:size] {
				t.Errorf("%d bytes came back as %d others", size, len(got))
			}
		}
	}
	if c.Ready() {
		t.Error("more came back than was sent")
	}
	code, before, err := c.Leave(3001)
	if err != nil || code != 3001 || len(before) > 0 {
		t.Errorf("close 3001 was answered with %d, %v; before it came %d frames", code, err, len(before))
	}
}

func TestRefused(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, err := Dial(t.Context(), strings.TrimPrefix(s.URL, "http://"), "/")
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("the error %v does not show the answer", err)
	}
}
