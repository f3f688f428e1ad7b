package listen

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flowtest"
)

// adopter echoes what it adopts.
type adopter struct {
	http.Handler
	wants bool
}

func (a adopter) Adopt(conn net.Conn, already []byte) bool {
	if a.wants {
		go func() {
			defer conn.Close()
			_, _ = conn.Write(already)
			_, _ = io.Copy(conn, conn)
		}()
	}
	return a.wants
}

func TestConnectionsWithoutAHandshake(t *testing.T) {
	s, logs := newSet(t)
	address := flowtest.FreeAddress(t)
	handle(t, s, spec(address, "/plain"), says("a"))
	handle(t, s, spec(address, "/not"), adopter{says("b"), false})
	cut := func() {
		t.Helper()
		c := dial(t, address)
		fmt.Fprint(c, "\x81\x80mask")
		if got, _ := io.ReadAll(c); len(got) != 0 { // some are reset
			t.Errorf("answered %q", got)
		}
	}
	cut()
	cut()
	adopting := handle(t, s, spec(address, "/adopts"), adopter{says("c"), true})
	for _, first := range []string{"\x81\x80mask", "\x02\xffmask", "\x82"} {
		c := dial(t, address)
		fmt.Fprint(c, first)
		got := make([]byte, len(first)+4)
		if n, err := io.ReadFull(c, got[:len(first)]); err != nil || string(got[:n]) != first {
			t.Errorf("%q: %q, %v", first, got[:n], err)
		}
		fmt.Fprint(c, "more")
		if _, err := io.ReadFull(c, got[len(first):]); err != nil || string(got) != first+"more" {
			t.Errorf("%q: %q, %v", first, got, err)
		}
	}
	// What is no frame of a client is for the HTTP server.
	for _, first := range []string{"\x81\x00", "\x80\x80mask", "\x16\x03\x01"} {
		c := dial(t, address)
		fmt.Fprint(c, first+"\r\n\r\n")
		if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.1 400 ") {
			t.Errorf("%q: answered %q", first, got)
		}
	}
	if got := get(t, address, "/adopts"); got != "200 c" {
		t.Errorf("got %q", got)
	}
	adopting.Close()
	cut()
	warned := logs.FilterMessageSnippet("instead of a handshake").All()
	if len(warned) != 1 || warned[0].ContextMap()["so_far"] != int64(1) {
		t.Errorf("warned %v", warned)
	}
}
