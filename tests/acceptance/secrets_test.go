package acceptance

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/tests/wire"
)

// careless is a flow with a secret in each place where there can be one; all
// that goes wrong is logged, as an operator might wire it. %s are the address of
// a server that refuses everything, twice.
const careless = `
variable "password" {
  type      = string
  sensitive = true
}

connector "ws_server" "edge" {
  url             = "127.0.0.1:0"
  codec           = "json"
  max_message     = "1KiB"
  connect_timeout = "5s"
  headers         = { X-Server = "hush-answer" }
  subprotocols    = ["chat"]
  auth "basic" {
    credentials      = ["alice:hush-alice", "bob:${var.password}"]
    credentials_file = "users.txt"
  }
  auth "token" {
    from        = ["header", "query:token", "cookie:session", "subprotocol"]
    tokens      = ["hush-token"]
    tokens_file = "tokens.txt"
  }
  auth "jwt" {
    secret = "hush-jwt-secret-of-more-than-32-bytes"
    from   = ["header", "query:jwt"]
  }
  sessions {
    key = peer.query.key
  }
  limits {
    messages_per_second = 50
  }
}

connector "ws_server" "keys" {
  url   = "127.0.0.1:0"
  codec = "json"
  auth "jwt" {
    jwks_url      = "http://user:hush-jwks@%[1]s/keys?key=hush-jwks-query"
    jwks_cooldown = "10ms"
    jwks_timeout  = "300ms"
  }
}

connector "ws_client" "far" {
  url     = "ws://user:hush-far@%[1]s/hush?api_key=hush-query"
  codec   = "json"
  headers = { X-Api-Key = "hush-header" }
  on_open = ["hush-open"]
  reconnect {
    interval = "20ms"
  }
}

connector "ws_client" "further" {
  url   = "wss://%[1]s/?api_key=hush-query"
  codec = "json"
  auth "token" {
    token = "hush-client-token"
  }
  reconnect {
    interval = "20ms"
  }
}

connector "ws_client" "nobody" {
  url   = "ws://127.0.0.1:1/?api_key=hush-query"
  codec = "json"
  auth "basic" {
    user     = "me"
    password = "hush-client-password"
  }
  reconnect {
    interval = "20ms"
  }
}

connector "log" "problems" {
}

connect "echo" {
  from  = connector.edge
  where = event.n > 0
  to    = connector.edge
}

connect "keys" {
  from = connector.keys
  to   = [connector.far, connector.further, connector.nobody]
}

connect "problems" {
  from = [connector.edge.err, connector.keys.err, connector.far.err, connector.further.err, connector.nobody.err]
  to   = connector.problems
}
`

// Whatever is refused or goes wrong, at any level of the log: no secret of the
// flow, and none that a client sends, is printed.
func TestSecretsAreKept(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"users.txt":  "carol:hush-carol\n",
		"tokens.txt": "hush-token-file\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no", http.StatusUnauthorized)
	}))
	defer refuses.Close()
	t.Setenv("HTTPS_PROXY", "http://user:hush-proxy@127.0.0.1:1/?hush-proxy-query")
	t.Setenv("NO_PROXY", "example.org")
	flow := fmt.Sprintf(careless, refuses.Listener.Addr())
	f := start(t, dir, flow, "--log-level", "debug", "--var", "password=hush-bob")
	addr, keys := f.address("edge"), f.address("keys")

	basic := func(userinfo string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo)) + "\r\n"
	}
	forged := mac([]byte("hush-another-secret-of-more-than-32"), `{"alg":"HS256"}`, claims(`,"hush":"hush-claim"`))
	signed := mac([]byte("hush-jwt-secret-of-more-than-32-bytes"), `{"alg":"HS256"}`, claims(`,"hush":"hush-claim"`))
	expired := mac([]byte("hush-jwt-secret-of-more-than-32-bytes"), `{"alg":"HS256"}`, `{"sub":"hush-sub","exp":1}`)
	for _, try := range []struct{ at, target, fields string }{
		{addr, "/", basic("alice:hush-guess")},
		{addr, "/", basic("hush-nobody:hush-guess")},
		{addr, "/", basic("hush-no-colon")},
		{addr, "/", "Authorization: Basic hush-no-base64\r\n"},
		{addr, "/", "Authorization: hush-scheme hush-value\r\n"},
		{addr, "/", "Authorization: Bearer hush-guess\r\nAuthorization: Bearer hush-again\r\n"},
		{addr, "/?token=hush-guess", ""},
		{addr, "/?token=hush-guess&token=hush-again", ""},
		{addr, "/?token=hush-%zz", ""},
		{addr, "/?token=hush-guess;a=b", ""},
		{addr, "/nothing/hush-path?token=hush-guess", ""},
		{addr, "/?token=hush-guess", "Connection: hush-connection\r\n"},
		{addr, "/", "Cookie: session=hush-guess; other=hush-other\r\n"},
		{addr, "/", "Sec-WebSocket-Protocol: chat, bearer.hush-guess\r\n"},
		{addr, "/?token=hush-token", "Origin: https://user:hush-password@origin.example/hush-path?hush-query#hush-fragment\r\n"},
		{addr, "/?jwt=" + forged, ""},
		{addr, "/", bearer(forged)},
		{addr, "/", bearer(expired)},
		{addr, "/", bearer("hush." + forged)},
		{addr, "/?token=hush-token", "Host: hush host\r\n"},
		{addr, "/?token=hush-token", "hush header\r\n"},
		{addr, "/?token=hush-token", "X: " + strings.Repeat("hush-", 20_000) + "\r\n"},
		{addr, "http://user:hush-target@host:hush/", ""},
		{keys, "/", bearer(forged)},
		{keys, "/?a=hush-query", bearer(signed)},
	} {
		c, _, _, _ := knock("127.0.0.2", try.at, try.target, try.fields) // whatever the answer is
		if c != nil {
			_ = c.Close()
		}
	}
	c, err := dialFrom("127.0.0.2", addr) // no TLS here
	if err == nil {
		_ = tls.Client(c, &tls.Config{ServerName: "hush-name", MinVersion: tls.VersionTLS12}).Handshake()
		_ = c.Close()
	}
	for _, good := range []struct{ target, fields string }{
		{"/?token=hush-token&key=hush-key&more=hush-more", "X-Forwarded-For: 192.0.2.1\r\nX-Secret: hush-field\r\n"},
		{"/?jwt=" + signed, "Cookie: other=hush-other\r\n"},
		{"/", basic("alice:hush-alice")},
		{"/", basic("bob:hush-bob")},
		{"/", basic("carol:hush-carol")},
		{"/", "Cookie: session=hush-token-file\r\n"},
		{"/", "Sec-WebSocket-Protocol: chat, bearer.hush-token\r\n"},
	} {
		for _, message := range []string{"no JSON", `{"n":"text"}`, `{"n":0}`, strings.Repeat("x", 2000), "\xff", ""} {
			var c *wire.Conn
			await(t, "the one before has left", func() bool {
				var status int
				var body string
				var err error
				if c, status, body, err = knock("127.0.0.3", addr, good.target, good.fields); c == nil && status != 409 {
					t.Fatalf("%.30s is answered %d %s %v", good.target, status, body, err)
				}
				return c != nil
			})
			if message == "" { // too fast, and a second session
				if c, _, _, _ := knock("127.0.0.3", addr, good.target, good.fields); c != nil {
					_ = c.Close()
				}
				_, _ = c.Write(bytes.Repeat(wire.AppendFrame(nil, wire.Fin|wire.Ping, nil), 200))
				parting(c)
			}
			_ = c.Send(wire.Fin|wire.Text, []byte(message))
			_ = c.Send(wire.Fin|wire.Close, []byte{3, 232})
			parting(c)
			_ = c.Close()
		}
	}
	for _, what := range []string{"jwks_url cannot be fetched", `connector":"far"`, `connector":"further"`, `connector":"nobody"`} {
		f.logged(what, func(text string) bool { return strings.Contains(text, what) })
	}
	// A bad file, and one whose syntax is wrong.
	for _, edit := range []string{
		strings.Replace(flow, "hush-jwt-secret-of-more-than-32-bytes", "hush-short", 1),
		strings.Replace(flow, `hush-alice", "bob`, `hush-alice" "bob`, 1),
		strings.Replace(flow, `api_key=hush-query`, `api_key=hush-query#hush`, 1),
	} {
		before := len(f.Stderr.String())
		if err := os.WriteFile(filepath.Join(dir, "flow.hcl"), []byte(edit), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		f.logged("a reload that failed", func(text string) bool { return strings.Contains(text[before:], "the reload failed") })
		f.rests()
	}
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
	out := f.Stdout.String() + f.Stderr.String()
	for line := range strings.Lines(out) {
		if strings.Contains(line, "hush-") || strings.Contains(line, base64.StdEncoding.EncodeToString([]byte("hush-"))[:6]) {
			t.Errorf("printed: %.600s", line)
		}
	}
	for _, token := range []string{forged, signed, expired} {
		for _, part := range strings.Split(token, ".")[1:] {
			if strings.Contains(out, part) {
				t.Error("a part of a token was printed")
			}
		}
	}
	t.Logf("messages: %q", messages(out))
}

// messages are the different ones of a log.
func messages(out string) (all []string) {
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`"msg":"([^"]*)`).FindAllStringSubmatch(out, -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			all = append(all, m[1])
		}
	}
	return all
}
