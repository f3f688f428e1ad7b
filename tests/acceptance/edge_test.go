package acceptance

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/tests/wire"
)

// Two servers share an address and have paths of their own, one with a
// parameter that tells its connections apart; any other path is refused.
func TestPathsOnOneAddress(t *testing.T) {
	addr := free(t)
	f := start(t, "", strings.ReplaceAll(`
connector "ws_server" "rooms" {
  url   = "ws://ADDR/rooms/{id}"
  codec = "json"
}

connector "ws_server" "plain" {
  url   = "ws://ADDR/plain"
  codec = "json"
}

connector "file" "errors" {
  path  = "errors"
  mode  = "truncate"
  codec = "json"
}

connect "rooms" {
  from  = connector.rooms
  where = peer.params.id == "blue" && peer.query.x == "1"
  to    = connector.rooms
}

connect "plain" {
  from = connector.plain
  to   = connector.plain
}

connect "errors" {
  from = [connector.rooms.err, connector.plain.err]
  to   = connector.errors
}
`, "ADDR", addr))
	f.address("plain")
	open := func(path string) *wire.Conn {
		t.Helper()
		c, err := wire.Dial(withPatience(t), addr, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	for _, c := range []*wire.Conn{open("/plain"), open("/rooms/blue?x=1")} {
		if err := echoes(c, `"hello"`); err != nil {
			t.Error(err)
		}
	}
	// What no condition lets pass is not answered: the close is the first frame.
	red := open("/rooms/red?x=1")
	if err := red.Send(wire.Fin|wire.Text, []byte(`"hello"`)); err != nil {
		t.Fatal(err)
	}
	if err := leaves(red); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/", "/plain/x", "/rooms", "/rooms/a/b"} {
		if c, err := wire.Dial(withPatience(t), addr, path); err == nil {
			_ = c.Close()
			t.Errorf("%s is served", path)
		} else if !strings.Contains(err.Error(), "404") {
			t.Errorf("%s: %v, want 404", path, err)
		}
	}
}

// A server that asks for client certificates lets in a ws_client that has one,
// and nobody without.
func TestClientCertificates(t *testing.T) {
	dir := t.TempDir()
	trust := certificate(t, dir)
	f := start(t, dir, `
connector "ws_server" "edge" {
  url   = "wss://127.0.0.1:0"
  codec = "json"
  tls {
    cert        = "localhost.cert"
    key         = "localhost.key"
    client_ca   = "localhost.cert"
    client_auth = "require"
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`)
	addr := f.address("edge")
	stranger, err := dial(addr, trust)
	if err == nil {
		_ = stranger.Close()
		t.Error("a client without a certificate is let in")
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "localhost.cert"), filepath.Join(dir, "localhost.key"))
	if err != nil {
		t.Fatal(err)
	}
	known := trust.Clone()
	known.Certificates = []tls.Certificate{pair}
	c, err := dial(addr, known)
	if err != nil {
		t.Fatalf("a client with a certificate: %v", err)
	}
	defer c.Close()
	if err := echoes(c, `"hello"`); err != nil {
		t.Error(err)
	}
	other := t.TempDir()
	for _, name := range []string{"localhost.cert", "localhost.key"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(other, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client := start(t, other, strings.ReplaceAll(`
connector "ws_client" "feed" {
  url     = "wss://UPSTREAM"
  codec   = "json"
  on_open = ["\"hello\""]
  tls {
    cafile = "localhost.cert"
    domain = "localhost"
    cert   = "localhost.cert"
    key    = "localhost.key"
  }
}

connector "stdio" "console" {
  codec = "json"
}

connect "show" {
  from = connector.feed
  to   = connector.console
}
`, "UPSTREAM", addr))
	if err := client.Stdout.Wait(withPatience(t), func(text string) bool { return text == "\"hello\"\n" }); err != nil {
		t.Errorf("a ws_client with a certificate: %v", err)
	}
}
