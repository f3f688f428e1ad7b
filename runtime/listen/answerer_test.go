package listen

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// answerer answers with its name and the method, when it may.
type answerer struct {
	name    string
	ended   atomic.Bool
	entered chan struct{} // gets one for each request, where it is not nil
	wait    chan struct{} // where it is not nil, until it is closed
}

func (a *answerer) Begin() bool { return !a.ended.Load() }

func (a *answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.entered != nil {
		a.entered <- struct{}{}
	}
	if a.wait != nil {
		<-a.wait
	}
	fmt.Fprint(w, a.name, " ", r.Method)
}

func methods(address, path string, methods ...string) flow.ListenSpec {
	s := spec(address, path)
	s.Methods = methods
	return s
}

// ask sends a request by a connection of its own, and returns status and body.
func ask(t *testing.T, method, address, path string, header ...string) (*http.Response, string) {
	t.Helper()
	c := dial(t, address)
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: test\r\n%s\r\n", method, path, strings.Join(append(header, ""), "\r\n"))
	r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, strings.TrimSpace(string(body))
}

func TestMethods(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	handle(t, s, methods(address, "/items/{id}", "GET", "PUT"), &answerer{name: "items"})
	handle(t, s, methods(address, "/items/{id}", "DELETE"), &answerer{name: "trash"})
	handle(t, s, spec(address, "/all"), says("all"))
	for _, c := range []struct{ method, path, want, allow string }{
		{"GET", "/items/1", "200 items GET", ""},
		{"HEAD", "/items/1", "200 ", ""},
		{"PUT", "/items/1", "200 items PUT", ""},
		{"DELETE", "/items/1", "200 trash DELETE", ""},
		{"POST", "/items/1", "405 Method Not Allowed", "DELETE, GET, HEAD, PUT, OPTIONS"},
		{"OPTIONS", "/items/1", "204 ", "DELETE, GET, HEAD, PUT, OPTIONS"},
		{"OPTIONS", "/nothing", "404 Not Found", ""},
		{"OPTIONS", "/all", "200 all", ""},
		{"POST", "/all", "200 all", ""},
	} {
		r, body := ask(t, c.method, address, c.path)
		if got := fmt.Sprint(r.StatusCode, " ", body); got != c.want || r.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %q, Allow %q, want %q, %q", c.method, c.path, got, r.Header.Get("Allow"), c.want, c.allow)
		}
	}
}

// A browser that asks about a method is answered by that one's handler.
func TestAPreflightIsForWhoHasTheMethod(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	handle(t, s, methods(address, "/items", "GET"), &answerer{name: "feed"})
	handle(t, s, methods(address, "/items", "POST"), &answerer{name: "publish"})
	if _, body := ask(t, "OPTIONS", address, "/items", "Access-Control-Request-Method: POST"); body != "publish OPTIONS" {
		t.Errorf("it was answered by %q", body)
	}
	if r, _ := ask(t, "OPTIONS", address, "/items", "Access-Control-Request-Method: DELETE"); r.StatusCode != http.StatusNoContent || r.Header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("of a method that nobody has: %d, Allow %q", r.StatusCode, r.Header.Get("Allow"))
	}
}

func TestWhoHasEndedAnswersNothing(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	a := &answerer{name: "a"}
	handle(t, s, methods(address, "/", "GET"), a)
	a.ended.Store(true)
	if r, _ := ask(t, "GET", address, "/"); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("answered %d, Retry-After %q", r.StatusCode, r.Header.Get("Retry-After"))
	}
}

// Requests that are being served do not count as handshakes, and neither are they
// cut by those.
func TestServedRequestsAreNoHandshakes(t *testing.T) {
	s, logs := newSet(t)
	address := flowtest.FreeAddress(t)
	a := &answerer{name: "a", entered: make(chan struct{}), wait: make(chan struct{})}
	sp := methods(address, "/", "GET")
	sp.Handshakes = 2
	handle(t, s, sp, a)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, body := ask(t, "GET", address, "/"); body != "a GET" {
				t.Errorf("answered %q", body)
			}
		})
		<-a.entered
	}
	if logs.Len() > 0 {
		t.Errorf("logged %v", logs.All())
	}
	close(a.wait)
	all.Wait()
}

// What waits for a next request does count.
func TestKeptConnectionsAreBounded(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	sp := methods(address, "/", "GET")
	sp.Handshakes = 1
	handle(t, s, sp, &answerer{name: "a"})
	first := dial(t, address)
	fmt.Fprint(first, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	if r, err := http.ReadResponse(bufio.NewReader(first), nil); err != nil || r.StatusCode != http.StatusOK {
		t.Fatal(r, err)
	}
	second := dial(t, address)
	cut := make(chan struct{}, 2)
	for _, c := range []net.Conn{first, second} { // which of them has come later is not said
		go func() {
			_, _ = io.Copy(io.Discard, c) // the other one ends with the test
			cut <- struct{}{}
		}()
	}
	<-cut
	_ = first.Close()
	_ = second.Close()
	<-cut
}

// A request that lasts holds back no change, and is answered by who began it.
func TestAChangeDoesNotWaitForAnswers(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	old := &answerer{name: "old", entered: make(chan struct{}), wait: make(chan struct{})}
	if _, err := s.Handle("old", methods(address, "/", "GET"), old); err != nil {
		t.Fatal(err)
	}
	answers := make(chan string)
	go func() {
		_, body := ask(t, "GET", address, "/")
		answers <- body
	}()
	<-old.entered
	c := s.Change(leaving("old"))
	if _, err := c.Handle("new", methods(address, "/", "GET"), &answerer{name: "new"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := c.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, body := ask(t, "GET", address, "/"); body != "new GET" {
		t.Errorf("after the change, answered by %q", body)
	}
	close(old.wait)
	if body := <-answers; body != "old GET" {
		t.Errorf("the request of before was answered by %q", body)
	}
}

// What a handler has answered arrives, though the listener closes at once.
func TestAListenerThatClosesSendsWhatIsAnswered(t *testing.T) {
	for range 50 {
		s, _ := newSet(t)
		address := flowtest.FreeAddress(t)
		served := make(chan struct{})
		route := handle(t, s, methods(address, "/", "GET"), answering(func(w http.ResponseWriter, _ *http.Request) {
			defer close(served)
			fmt.Fprint(w, "answer")
		}))
		go func() {
			<-served
			route.Close()
		}()
		if _, body := ask(t, "GET", address, "/"); body != "answer" {
			t.Fatalf("answered %q", body)
		}
	}
}

type answering func(w http.ResponseWriter, r *http.Request)

func (answering) Begin() bool                                        { return true }
func (a answering) ServeHTTP(w http.ResponseWriter, r *http.Request) { a(w, r) }

// An answer that nobody reads is not waited for.
func TestAnAnswerThatNobodyReadsTimesOut(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	sp := methods(address, "/", "GET")
	sp.Timeout = 100 * time.Millisecond
	failed := make(chan error, 1)
	handle(t, s, sp, answering(func(w http.ResponseWriter, _ *http.Request) {
		block := make([]byte, 1<<20)
		for {
			if _, err := w.Write(block); err != nil {
				failed <- err
				return
			}
		}
	}))
	fmt.Fprint(dial(t, address), "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	select {
	case <-failed:
	case <-time.After(20 * time.Second):
		t.Fatal("it is still being written")
	}
}
