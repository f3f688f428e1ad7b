package listen

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// owned handles a route on behalf of somebody.
func owned(t *testing.T, s *Set, owner, address, path string, answer string) *Route {
	t.Helper()
	r, err := s.Handle(owner, spec(address, path), says(answer))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func leaving(names ...string) func(any) bool {
	return func(owner any) bool {
		for _, n := range names {
			if owner == n {
				return true
			}
		}
		return false
	}
}

func stage(t *testing.T, c *Change, owner string, spec flow.ListenSpec, answer string) *Route {
	t.Helper()
	r, err := c.Handle(owner, spec, says(answer))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantAnswer(t *testing.T, address, path, want string) {
	t.Helper()
	if got := get(t, address, path); !strings.Contains(got, want) {
		t.Errorf("%s%s answers %q, want %q", address, path, got, want)
	}
}

func TestARouteIsHandedOver(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	old := owned(t, s, "old", address, "/a", "old a")
	kept := owned(t, s, "kept", address, "/k", "kept")
	c := s.Change(leaving("old"))
	next := stage(t, c, "new", spec(address, "/a"), "new a")
	other := stage(t, c, "new", spec(address, "/b"), "new b")
	wantAnswer(t, address, "/a", "old a")
	wantAnswer(t, address, "/b", "Not Found")
	if err := c.Commit(); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, address, "/a", "new a")
	wantAnswer(t, address, "/b", "new b")
	wantAnswer(t, address, "/k", "kept")
	old.Close() // which has nothing any more
	wantAnswer(t, address, "/a", "new a")
	for _, r := range []*Route{next, other, kept} {
		r.Close()
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("the listener is open without a route")
	}
}

func TestAChangeThatIsNotMadeLeavesNothing(t *testing.T) {
	s, _ := newSet(t)
	address, fresh := flowtest.FreeAddress(t), flowtest.FreeAddress(t)
	owned(t, s, "old", address, "/a", "old a")
	c := s.Change(leaving("old"))
	staged := []*Route{stage(t, c, "new", spec(address, "/a"), "new a"), stage(t, c, "new", spec(fresh, "/"), "new")}
	if _, err := c.Handle("new", spec(address, "/a"), says("again")); err == nil || !strings.Contains(err.Error(), "path /a is taken") {
		t.Errorf("a path could be had twice: %v", err)
	}
	for _, r := range staged {
		r.Close()
	}
	wantAnswer(t, address, "/a", "old a")
	if _, err := net.Dial("tcp", fresh); err == nil {
		t.Error("an address of the change is still bound")
	}
}

// A pattern that conflicts with one that leaves, and a listener whose last
// route was closed in the meantime, are no obstacle.
func TestWhatLeavesIsNotInTheWay(t *testing.T) {
	s, _ := newSet(t)
	address, gone := flowtest.FreeAddress(t), flowtest.FreeAddress(t)
	owned(t, s, "old", address, "/a/{x}", "old")
	lost := owned(t, s, "old", gone, "/", "old")
	c := s.Change(leaving("old"))
	stage(t, c, "new", spec(address, "/a/{y}"), "new")
	stage(t, c, "new", spec(gone, "/"), "new")
	lost.Close()
	if err := c.Commit(); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, address, "/a/1", "new")
	wantAnswer(t, gone, "/", "new")
}

func TestTLSChangesWhileTheSocketStays(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	owned(t, s, "plain", address, "/", "plain")
	waiting := dial(t, address)          // whose request comes when all has changed
	wantAnswer(t, address, "/", "plain") // behind it: so it has been accepted
	secured := spec(address, "/")
	secured.TLS = certificate(t)
	c := s.Change(leaving("plain"))
	stage(t, c, "tls", secured, "secured")
	if err := c.Commit(); err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // the test's own
	defer client.CloseIdleConnections()
	response, err := client.Get("https://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); string(body) != "secured" {
		t.Errorf("got %q", body)
	}
	if _, err := io.WriteString(waiting, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, _ := io.ReadAll(waiting); !strings.Contains(string(answer), "secured") {
		t.Errorf("who had connected before got %q", answer)
	}
	c = s.Change(leaving())
	if _, err := c.Handle("other", spec(address, "/other"), says("no")); err == nil || !strings.Contains(err.Error(), "other tls settings") {
		t.Errorf("two TLS settings on one address: %v", err)
	}
}

func TestRequestsOfBeforeAreWaitedFor(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	inside, goOn := make(chan struct{}), make(chan struct{})
	_, err := s.Handle("old", spec(address, "/"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-goOn
		_, _ = io.WriteString(w, "old")
	}))
	if err != nil {
		t.Fatal(err)
	}
	var asked sync.WaitGroup
	asked.Go(func() { wantAnswer(t, address, "/", "old") })
	<-inside
	c := s.Change(leaving("old"))
	stage(t, c, "new", spec(address, "/"), "new")
	if err := c.Commit(); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, address, "/", "new")
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if c.Pass(short) == nil {
		t.Error("a request that is being served was not waited for")
	}
	close(goOn)
	if err := c.Pass(t.Context()); err != nil {
		t.Error(err)
	}
	asked.Wait()
}

// What is left in one spelling cannot be had in another at the same time.
func TestAnotherSpellingIsNotHandedOver(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	owned(t, s, "old", address, "/", "old")
	_, port, _ := net.SplitHostPort(address)
	c := s.Change(leaving("old"))
	_, err := c.Handle("new", spec("localhost:"+port, "/"), says("new"))
	if err == nil || !strings.HasSuffix(err.Error(), address+", which is about to be left, is not free yet: keep to its spelling, or go by way of another port") {
		t.Errorf("got %v", err)
	}
	wantAnswer(t, address, "/", "old")
}

// TestNobodyIsTurnedAway: clients connect while routes change hands.
func TestNobodyIsTurnedAway(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	owner := "0"
	owned(t, s, owner, address, "/", "served")
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				wantAnswer(t, address, "/", "served")
			}
		})
	}
	for i := range 200 {
		c := s.Change(leaving(owner))
		owner = string(rune('a' + i))
		stage(t, c, owner, spec(address, "/"), "served")
		if err := c.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := c.Pass(ctx); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	clients.Wait()
}
