package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/flowrun/flowrun/runtime/usage"
)

// Whoever is sent away costs the server less than who is let in and leaves:
// measured at the whole process, from accepting the connection to its end.
func TestRefusalsAreCheap(t *testing.T) {
	s := newSigner(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "public.pem"), s.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	f := start(t, dir, `
connector "ws_server" "edge" {
  url     = "127.0.0.1:0"
  codec   = "json"
  origins = ["https://app.example.org"]
  auth "token" {
    from   = ["query:token"]
    tokens = ["let-me-in"]
  }
  auth "jwt" {
    public_key = "public.pem"
  }
  limits {
    max_connections_per_ip = 64
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`)
	addr := f.address("edge")
	good, forged := bearer(s.token(`{"alg":"RS256"}`, claims(""))), bearer(newSigner(t).token(`{"alg":"RS256"}`, claims("")))
	for range 64 { // so that 127.0.0.9 has no room
		c, _, _, err := knock("127.0.0.9", addr, "/?token=let-me-in", "")
		if err != nil || c == nil {
			t.Fatalf("no room from the beginning: %v", err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	type visit struct {
		name, host, target, fields string
		status                     int
	}
	const handshakes = 100
	// cost is what the process spends on some of them.
	cost := func(v visit) float64 {
		f.rests()
		before, err := usage.CPU(f.PID())
		if err != nil {
			t.Skipf("skipped: %v", err)
		}
		each(t, handshakes, 4, func(int) error {
			c, status, body, err := knock(v.host, addr, v.target, v.fields)
			if err == nil && status != v.status {
				err = fmt.Errorf("%s: the answer is %d %s", v.name, status, body)
			}
			if c != nil {
				_ = c.Close()
			}
			return err
		})
		f.rests()
		after, err := usage.CPU(f.PID())
		if err != nil {
			t.Skipf("skipped: %v", err)
		}
		return float64(after-before) / handshakes
	}
	for _, pair := range []struct{ accepted, refused visit }{
		{visit{"a token", "127.0.0.2", "/?token=let-me-in", "", 101}, visit{"an origin", "127.0.0.2", "/?token=let-me-in", "Origin: https://evil.example\r\n", 403}},
		{visit{"a token", "127.0.0.2", "/?token=let-me-in", "", 101}, visit{"a bad token", "127.0.0.2", "/?token=guess", "", 401}},
		{visit{"a token", "127.0.0.2", "/?token=let-me-in", "", 101}, visit{"no room", "127.0.0.9", "/?token=let-me-in", "", 429}},
		{visit{"a JWT", "127.0.0.2", "/", good, 101}, visit{"a forged JWT", "127.0.0.2", "/", forged, 401}},
	} {
		// In turns, because the machine is not the same all the time, and more of them
		// where it does not let itself be measured.
		const least, most = 12, 100
		var accepted, refused float64
		turns := 0
		for turns < least || refused >= accepted && turns < most {
			accepted += cost(pair.accepted)
			refused += cost(pair.refused)
			turns++
		}
		t.Logf("%s costs %.2f of %s, in %d turns", pair.refused.name, refused/accepted, pair.accepted.name, turns)
		if refused >= accepted {
			t.Errorf("to refuse %s costs %.2f of what it costs to let %s in", pair.refused.name, refused/accepted, pair.accepted.name)
		}
	}
}
