package acceptance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flowtest"
)

// post sends a body and returns status and body of the answer.
func post(client *http.Client, url, body string) (*http.Response, string, error) {
	r, err := client.Post(url, "application/json", strings.NewReader(body)) //nolint:noctx // the client has a timeout
	if err != nil {
		return nil, "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return r, string(text), err
}

// heartbeat comes on a stream that is silent for some seconds.
const heartbeat = ": \n\n"

// browser is a client that keeps its connections.
func browser(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// Requests that wait for a window are answered when the process ends, streams get
// what is for them, and who comes later is sent away.
func TestRequestsInFlightAreAnswered(t *testing.T) {
	const requests = 100
	f := start(t, "", `
connector "http_server" "sum" {
  url           = "127.0.0.1:0"
  codec         = "json"
  reply_timeout = "1h"
}

connector "http_server" "feed" {
  url   = "127.0.0.1:0"
  codec = "json"
  sse {}
}

connector "file" "taken" {
  path           = "taken.ndjson"
  mode           = "truncate"
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "sum" {
  window "all" {
    kind     = "tumbling"
    interval = "1h"
    emit     = { count = count() }
  }
}

connect "sum" {
  from = connector.sum
  via  = [pipeline.sum]
  to   = connector.sum
}

connect "feed" {
  from    = connector.sum
  via     = [pipeline.sum]
  to      = connector.feed
  deliver = "broadcast"
}

# The last of them: what is taken is in both windows.
connect "taken" {
  from = connector.sum
  to   = connector.taken
}
`)
	url, client := "http://"+f.address("sum"), browser(t)
	feed, err := client.Get("http://" + f.address("feed")) //nolint:noctx // the client has a timeout
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Body.Close()
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			r, body, err := post(client, url, fmt.Sprintf(`{"n":%d}`, i))
			if err != nil || r.StatusCode != http.StatusOK || body != fmt.Sprintf(`{"count":%d}`, requests) {
				t.Errorf("%v %q %v", r, body, err)
			}
		})
	}
	taken := func() int {
		text, _ := os.ReadFile(filepath.Join(f.dir, "taken.ndjson")) // it may not be there yet
		return strings.Count(string(text), "\n")
	}
	eventually(t, "all requests", func() bool { return taken() == requests })
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	got, err := io.ReadAll(feed.Body)
	if told := strings.ReplaceAll(string(got), heartbeat, ""); err != nil || told != fmt.Sprintf("data: {\"count\":%d}\n\n", requests) {
		t.Errorf("the stream got %q %v", told, err)
	}
	f.exits(0)
}

// Edits that restart a server of requests lose none of them; a stream of another
// server goes on, as does a WebSocket on the same address.
func TestRequestsWhileTheFlowChanges(t *testing.T) {
	const clients, edits = 50, 20
	// connect_timeout is also how long a connection may wait for its next request: a
	// client that sends one while the server gives up waiting cannot ask again.
	edition := func(n int, addr string) string {
		return fmt.Sprintf(`
connector "http_server" "echo" {
  url             = "http://%[2]s/echo"
  routes          = ["POST"]
  codec           = "json"
  headers         = { "x-edition" = "%[1]d" }
  connect_timeout = "10m"
}

connector "http_server" "feed" {
  url             = "http://%[2]s/echo"
  routes          = ["GET"]
  codec           = "json"
  connect_timeout = "10m"
  sse {}
}

connect "echo" {
  from = connector.echo
  to   = connector.echo
}

connect "feed" {
  from    = connector.echo
  to      = connector.feed
  where   = event.last
  deliver = "broadcast"
}
`, n, addr)
	}
	addr := flowtest.FreeAddress(t)
	f := start(t, "", edition(0, addr))
	f.address("echo")
	url, client := "http://"+addr+"/echo", browser(t)
	feed, err := client.Get(url) //nolint:noctx // the client has a timeout
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Body.Close()
	var (
		all   sync.WaitGroup
		over  atomic.Bool
		count atomic.Int64
	)
	for i := range clients {
		all.Go(func() {
			for n := 0; !over.Load(); n++ {
				body := fmt.Sprintf(`{"client":%d,"n":%d}`, i, n)
				r, got, err := post(client, url, body)
				if err != nil || r.StatusCode != http.StatusOK || got != body {
					t.Errorf("%s: %v %q %v", body, r, got, err)
					return
				}
				count.Add(1)
			}
		})
	}
	for n := 1; n <= edits && !t.Failed(); n++ {
		if err := os.WriteFile(filepath.Join(f.dir, "flow.hcl"), []byte(edition(n, addr)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the edition", func() bool {
			r, _, err := post(client, url, "{}")
			return err == nil && r.Header.Get("X-Edition") == fmt.Sprint(n)
		})
	}
	over.Store(true)
	all.Wait()
	t.Logf("%d requests during %d edits", count.Load(), edits)
	if _, _, err := post(client, url, `{"last":true}`); err != nil {
		t.Fatal(err)
	}
	for told, stream := "", bufio.NewReader(feed.Body); !strings.HasSuffix(told, "}\n"); {
		line, err := stream.ReadString('\n')
		if told = strings.ReplaceAll(told+line, heartbeat, ""); err != nil || !strings.HasPrefix("data: {\"last\":true}\n", told) && told != heartbeat[:len(told)] {
			t.Fatalf("the stream got %q %v", told, err)
		}
	}
}

// A body of any length passes through little memory.
func TestAHugeBody(t *testing.T) {
	f := start(t, "", `
connector "http_server" "bulk" {
  url  = "127.0.0.1:0"
  body = "stream"
  codec = "json"
}

connector "null" "nowhere" {}

connect "bulk" {
  from = connector.bulk
  to   = connector.nowhere
}
`)
	url, client := "http://"+f.address("bulk"), browser(t)
	if _, _, err := post(client, url, "{}\n"); err != nil {
		t.Fatal(err)
	}
	client.Timeout *= 4 // much is to pass
	before := f.rss()
	block := strings.Repeat(`{"symbol":"EURUSD","bid":1.08342,"ask":1.08347}`+"\n", 1000)
	blocks := rounds(4000)
	r, err := client.Post(url, "", io.MultiReader(readers(block, blocks)...)) //nolint:noctx // the client has a timeout
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Errorf("%s", r.Status)
	}
	f.grewAtMost(before, 30)
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.exits(0)
	if want := fmt.Sprintf(`"events_in":%d`, blocks*1000+1); !strings.Contains(f.Stderr.String(), want) {
		t.Errorf("not %s", want)
	}
}

func readers(block string, n int) []io.Reader {
	all := make([]io.Reader, n)
	for i := range all {
		all[i] = strings.NewReader(block)
	}
	return all
}

// Those who send heads and bodies slowly or not at all, who go away in the middle,
// and who read nothing of a stream, take little memory and hold back nobody.
func TestHostileRequests(t *testing.T) {
	const strangers, clients, requests = 300, 20, 100
	f := start(t, "", `
connector "http_server" "echo" {
  url             = "127.0.0.1:0"
  codec           = "json"
  body_timeout    = "5s"
  connect_timeout = "10m"
}

connector "http_server" "feed" {
  url   = "127.0.0.1:0"
  codec = "json"
  sse {}
  queue {
    max_events = 16
    max_bytes  = "64KiB"
  }
}

connect "echo" {
  from = connector.echo
  to   = connector.echo
}

connect "feed" {
  from    = connector.echo
  to      = connector.feed
  deliver = "broadcast"
}
`)
	echo, feed, client := f.address("echo"), f.address("feed"), browser(t)
	if _, _, err := post(client, "http://"+echo, "{}"); err != nil {
		t.Fatal(err)
	}
	before := f.rss()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	beside := func(addr, text string, stays bool) {
		c, err := connect(addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		if !stays {
			_ = c.Close()
			return
		}
		conns = append(conns, c)
	}
	for i := range strangers {
		beside(echo, "POST / HTTP/1.1\r\nHost: x\r\nX-", true)
		beside(echo, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{", true)
		beside(echo, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n{", i%2 == 0)
		if i < 50 {
			beside(feed, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true)
		}
	}
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for n := range requests {
				body := fmt.Sprintf(`{"client":%d,"n":%d,"pad":"%s"}`, i, n, strings.Repeat("x", 5000))
				if r, got, err := post(client, "http://"+echo, body); err != nil || r.StatusCode != http.StatusOK || got != body {
					t.Errorf("client %d: %v %.100q %v", i, r, got, err)
					return
				}
			}
		})
	}
	all.Wait()
	f.grewAtMost(before, 60)
}
