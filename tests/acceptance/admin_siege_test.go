package acceptance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// watched is an echo server that can be looked at. Who has which token may do what
// its name says.
const watched = `
flow {
  admin {
    address     = "127.0.0.1:0"
    tokens_file = "tokens.txt"
    events {
      max_clients = 20
    }
    logs {
      max_subscribers = 20
    }
    tap {
      max_clients = 10
    }
  }
}

connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "string"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`

const adminTokens = "the-reader roles=read\nthe-tapper roles=tap\nthe-controller roles=control\n"

// What the process may grow by: each of 512 connections may have a header of 16 KiB
// and buffers, each stream a queue and what is being written, and each tap copies of
// 64 KiB in a queue of 64. Garbage may grow to as much again.
const watchedMiB = 2*(512*48+50*256+10*64*64)>>10 + 32

// adminSiege is an attack on the admin listener. The traffic beside must go on, and
// whoever has a token must be answered before and after.
func adminSiege(t *testing.T, attack func(f *flowrun, admin, edge string)) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokens.txt"), []byte(adminTokens), 0o600); err != nil {
		t.Fatal(err)
	}
	siege{dir: dir, flow: watched, mib: watchedMiB}.run(t, func(f *flowrun, edge string) {
		admin := regexp.MustCompile(`admin API listens on http://(\S+)`).FindStringSubmatch(f.Stderr.String())
		if admin == nil {
			t.Fatal("it does not say where the admin API is")
		}
		probe := func(when string) {
			t.Helper()
			for path, token := range map[string]string{"/healthz": "", "/readyz": "", "/metrics": "the-reader", "/api/v1/status": "the-reader"} {
				if status, err := ask(admin[1], "GET", path, token, nil); status != http.StatusOK {
					t.Errorf("%s the attack, %s answers %d %v", when, path, status, err)
				}
			}
		}
		probe("before")
		attack(f, admin[1], edge)
		probe("after")
	})
}

// ask sends a request on a connection of its own and returns the status of the answer.
func ask(addr, method, path, token string, body io.Reader) (status int, err error) {
	r, err := http.NewRequest(method, "http://"+addr+path, body)
	if err != nil {
		return 0, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := (&http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close() // which may have no end
}

// adminPaths are what a stranger may want.
var adminPaths = []string{
	"GET /metrics", "GET /api/v1/version", "GET /api/v1/status", "GET /api/v1/connectors", "GET /api/v1/connectors/edge", "GET /api/v1/connections?sort=opened",
	"GET /api/v1/flows", "GET /api/v1/flows/flow/graph?format=svg", "GET /api/v1/loglevel", "GET /api/v1/openapi.json",
	"GET /api/v1/ws", "GET /api/v1/events", "GET /api/v1/logs/stream", "GET /api/v1/connectors/edge/events", "GET /api/v1/tap/connector.edge.out", "GET /api/v1/tap/nowhere",
	"POST /api/v1/reload", "POST /api/v1/drain", "POST /api/v1/connectors/edge/pause", "POST /api/v1/flows/flow/pause", "PATCH /api/v1/flows/flow", "PUT /api/v1/loglevel",
	"POST /api/v1/connections/1/send", "POST /api/v1/connections/1/close", "GET /nowhere", "OPTIONS /api/v1/drain", "TRACE /api/v1/status",
}

// TestAdminStrangers shows that nobody comes further than their token.
func TestAdminStrangers(t *testing.T) {
	adminSiege(t, func(_ *flowrun, admin, _ string) {
		for _, token := range []string{"", "guess", "the-reade", "the-reader ", "the-reader roles=control", "{SHA256}", strings.Repeat("x", 8000)} {
			each(t, len(adminPaths), 8, func(i int) error {
				method, path, _ := strings.Cut(adminPaths[i], " ")
				status, err := ask(admin, method, path, token, nil)
				if token == "the-reader " && status != http.StatusUnauthorized {
					return nil // space around a token is not part of it
				}
				if err != nil || status != http.StatusUnauthorized && status != http.StatusForbidden {
					return fmt.Errorf("%s with the token %.20q: %d %v", adminPaths[i], token, status, err)
				}
				return nil
			})
		}
		for what, may := range map[string]string{
			"GET /metrics": "the-reader", "GET /api/v1/events": "the-reader", "GET /api/v1/logs/stream": "the-reader",
			"GET /api/v1/tap/connector.edge.out": "the-tapper", "GET /api/v1/tap/nowhere": "the-tapper", "POST /api/v1/drain": "the-controller", "POST /api/v1/reload": "the-controller",
		} {
			for line := range strings.SplitSeq(strings.TrimSpace(adminTokens), "\n") {
				token, _, _ := strings.Cut(line, " ")
				method, path, _ := strings.Cut(what, " ")
				if token == may {
					continue
				}
				if status, err := ask(admin, method, path, token, nil); status != http.StatusForbidden {
					t.Errorf("%s by %s: %d %v", what, token, status, err)
				}
			}
		}
	})
}

// TestAdminHugeBodies sends what is not wanted, announced and not.
func TestAdminHugeBodies(t *testing.T) {
	adminSiege(t, func(_ *flowrun, admin, _ string) {
		each(t, 4**attackers, *attackers, func(i int) error {
			method, path, _ := strings.Cut(adminPaths[i%len(adminPaths)], " ")
			token := []string{"the-controller", "the-reader", "", "the-tapper"}[i%4]
			if path == "/api/v1/drain" && token == "the-controller" {
				return nil // would end it: this is allowed
			}
			c, err := dialFrom("127.0.0.1", admin)
			if err != nil {
				return err
			}
			defer c.Close()
			head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n", method, path, token)
			if i%3 == 0 {
				fmt.Fprintf(c, "%sContent-Length: 1099511627776\r\n\r\n", head)
			} else {
				fmt.Fprintf(c, "%sTransfer-Encoding: chunked\r\n\r\n", head)
			}
			chunk := append(fmt.Appendf(nil, "%x\r\n", 32<<10), append(make([]byte, 32<<10), "\r\n"...)...)
			_ = c.SetDeadline(time.Now().Add(2 * time.Second))
			go func() {
				for range 500 {
					if _, err := c.Write(chunk); err != nil {
						return
					}
				}
			}()
			_, _ = io.Copy(io.Discard, c) // until it is cut, or the time is over
			return nil
		})
	})
}

// TestAdminSlowClients sends a byte now and then, or reads none.
func TestAdminSlowClients(t *testing.T) {
	adminSiege(t, func(f *flowrun, admin, edge string) {
		var open, looking []net.Conn
		leave := sync.OnceFunc(func() {
			for _, c := range open {
				_ = c.Close()
			}
		})
		defer leave()
		for i := range 10 * *attackers {
			c, err := dialFrom(fmt.Sprintf("127.0.0.%d", 1+i%20), admin)
			if err != nil {
				continue // it has closed one too many before
			}
			open = append(open, c)
			switch i % 4 {
			case 0:
				fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: 127.") // and then nothing
			case 1:
				fmt.Fprint(c, strings.Repeat("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: the-reader\r\n\r\n", 100)) // and reads nothing
			case 2:
				fmt.Fprint(c, "POST /api/v1/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: the-controller\r\nContent-Length: 100\r\n\r\n{")
			case 3:
				fmt.Fprint(c, "GET /api/v1/tap/connector.edge.out?rate=1000 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: the-tapper\r\n\r\n") // and reads nothing for now
				looking = append(looking, c)
			}
		}
		// Beside all of them, who wants to know is answered, and traffic goes on.
		for range 20 {
			if status, err := ask(admin, "GET", "/healthz", "", nil); status != http.StatusOK {
				t.Errorf("/healthz: %d %v", status, err)
			}
		}
		c := mustDial(t, edge)
		defer c.Close()
		for i := range 500 { // each is shown to all who look on
			_ = c.SetDeadline(time.Now().Add(patience))
			if err := echoes(c, fmt.Sprintf("%d %s", i, strings.Repeat("x", 4000))); err != nil {
				t.Fatal(err)
			}
		}
		// Each that has looked on is in the log, from when to when.
		served := 0
		for _, c := range looking {
			_ = c.SetDeadline(time.Now().Add(patience))
			if line, err := bufio.NewReader(c).ReadString('\n'); err == nil && strings.Contains(line, " 200 ") {
				served++
			}
		}
		if served == 0 || served > 10 {
			t.Errorf("%d clients look on", served)
		}
		leave()
		for _, what := range []string{"looks on at what passes", "looks on no more"} {
			f.logged(what, func(text string) bool { return strings.Count(text, what) == served })
		}
	})
}

// TestAdminManySubscribers comes by the thousands: some are served, all others are
// told so, or cut.
func TestAdminManySubscribers(t *testing.T) {
	streams := []struct{ path, token, more string }{
		{"/api/v1/events", "the-reader", ""},
		{"/api/v1/logs/stream?level=debug", "the-reader", ""},
		{"/api/v1/tap/connector.edge.in", "the-tapper", ""},
		{"/api/v1/ws", "the-reader", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"},
	}
	adminSiege(t, func(f *flowrun, admin, _ string) {
		var mu sync.Mutex
		served := map[string][]net.Conn{}
		var refused, cut atomic.Int64
		each(t, 3000, 64, func(i int) error {
			s := streams[i%len(streams)]
			c, err := dialFrom(fmt.Sprintf("127.0.0.%d", 1+rand.IntN(20)), admin)
			if err != nil {
				cut.Add(1)
				return nil
			}
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n%s\r\n", s.path, s.token, s.more)
			line, err := bufio.NewReader(c).ReadString('\n')
			switch {
			case err != nil:
				cut.Add(1)
			case strings.Contains(line, " 200 ") || strings.Contains(line, " 101 "):
				mu.Lock()
				defer mu.Unlock()
				served[s.path] = append(served[s.path], c)
				return nil
			case strings.Contains(line, " 503 ") || strings.Contains(line, " 429 "):
				refused.Add(1)
			default:
				err = errors.New(line)
				_ = c.Close()
				return err
			}
			_ = c.Close()
			return nil
		})
		total := 0
		for path, all := range served {
			t.Logf("%s: %d are served", path, len(all))
			total += len(all)
		}
		t.Logf("%d are refused, %d cut", refused.Load(), cut.Load())
		if len(served) < len(streams) || total > 50 || len(served["/api/v1/tap/connector.edge.in"]) > 10 {
			t.Errorf("%d are served", total)
		}
		if status, err := ask(admin, "GET", "/readyz", "", nil); status != http.StatusOK {
			t.Errorf("/readyz: %d %v", status, err)
		}
		for _, all := range served {
			for _, c := range all {
				_ = c.Close()
			}
		}
	})
}

// TestAdminGarbage sends what is no HTTP, or hardly any.
func TestAdminGarbage(t *testing.T) {
	adminSiege(t, func(_ *flowrun, admin, _ string) {
		each(t, 20**attackers, *attackers, func(i int) error {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			c, err := dialFrom("127.0.0.1", admin)
			if err != nil {
				return nil //nolint:nilerr // there were too many
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			method, path, _ := strings.Cut(adminPaths[i%len(adminPaths)], " ")
			if path == "/api/v1/drain" {
				path = "/api/v1/tap/%zz"
			}
			text := []byte(fmt.Sprintf("%s %s?sample=%%ff&rate=1e9 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: the-tapper\r\nContent-Length: %d\r\n\r\n", method, path, r.IntN(100)))
			for range r.IntN(20) {
				text[r.IntN(len(text))] = byte(r.IntN(256))
			}
			_, _ = c.Write(text[:r.IntN(len(text))])
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, io.LimitReader(c, 64<<10))
			return nil
		})
	})
}
