package listen

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// greets takes connections whole, and says something to each.
func greets(text string) func(net.Conn) {
	return func(c net.Conn) {
		go func() {
			defer c.Close()
			_, _ = io.WriteString(c, text)
		}()
	}
}

func accept(t *testing.T, s *Set, owner any, spec flow.ListenSpec, take func(net.Conn)) *Route {
	t.Helper()
	r, err := s.Accept(owner, spec, take)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantGreeting(t *testing.T, network, address, want string) {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); err != nil || string(got) != want {
		t.Errorf("%s greets with %q, %v; want %q", address, got, err, want)
	}
}

func TestConnectionsAreTakenWhole(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	r := accept(t, s, "one", spec(address, ""), greets("hello"))
	wantGreeting(t, "tcp", address, "hello")
	for what, err := range map[string]error{
		"a route": func() error { _, err := s.Handle("two", spec(address, "/"), says("")); return err }(),
		"another": func() error { _, err := s.Accept("two", spec(address, ""), greets("")); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), "shared only by those that speak HTTP") {
			t.Errorf("%s on the address: %v", what, err)
		}
	}
	s.Drain()
	if c, err := net.Dial("tcp", address); err == nil { // else it was reset at once
		if got, err := io.ReadAll(c); err == nil || len(got) > 0 {
			t.Errorf("who comes in a drain is greeted with %q, and is not told that nobody hears him", got)
		}
		_ = c.Close()
	}
	r.Close()
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("it is open without a route")
	}
}

// What is spoken on an address may change while its socket stays.
func TestAnAddressChangesItsProtocol(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	hand := func(from, to string, stage func(c *Change) (*Route, error)) *Route {
		t.Helper()
		c := s.Change(leaving(from))
		r, err := stage(c)
		if err != nil {
			t.Fatalf("from %s to %s: %v", from, to, err)
		}
		if err := c.Commit(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := accept(t, s, "bytes", spec(address, ""), greets("one"))
	second := hand("bytes", "other", func(c *Change) (*Route, error) { return c.Accept("other", spec(address, ""), greets("two")) })
	first.Close()
	wantGreeting(t, "tcp", address, "two")
	third := hand("other", "http", func(c *Change) (*Route, error) { return c.Handle("http", spec(address, "/"), says("three")) })
	second.Close()
	wantAnswer(t, address, "/", "three")
	fourth := hand("http", "last", func(c *Change) (*Route, error) { return c.Accept("last", spec(address, ""), greets("four")) })
	third.Close()
	wantGreeting(t, "tcp", address, "four")
	if _, err := s.Change(leaving()).Handle("http", spec(address, "/"), says("")); err == nil {
		t.Error("a change may add a route beside who takes all")
	}
	fourth.Close()
}

func atPath(t *testing.T, path string) flow.ListenSpec {
	t.Helper()
	return flow.ListenSpec{Network: "unix", Address: path, Mode: 0o600, Backlog: 5}
}

func TestASocketInTheFileSystem(t *testing.T) {
	s, _ := newSet(t)
	path := filepath.Join(t.TempDir(), "s")
	r := accept(t, s, "one", atPath(t, path), greets("hello"))
	wantGreeting(t, "unix", path, "hello")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	c := s.Change(leaving("one"))
	next, err := c.Accept("two", atPath(t, path), greets("again"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	wantGreeting(t, "unix", path, "again")
	next.Close()
	if _, err := os.Lstat(path); err == nil {
		t.Error("it is still there")
	}
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	killed, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	killed.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = killed.Close()
	s, _ := newSet(t)
	r := accept(t, s, "one", atPath(t, path), greets("hello"))
	wantGreeting(t, "unix", path, "hello")

	other, _ := newSet(t)
	if _, err := other.Accept("two", atPath(t, path), greets("")); err == nil || !strings.Contains(err.Error(), "a process serves this socket") {
		t.Errorf("it was taken from who serves it: %v", err)
	}
	wantGreeting(t, "unix", path, "hello")

	// What has taken its place is not removed with it.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if _, err := other.Accept("two", atPath(t, path), greets("")); err == nil || !strings.Contains(err.Error(), "that is no socket") {
		t.Errorf("a file was taken for a socket: %v", err)
	}
	if text, err := os.ReadFile(path); string(text) != "a file" {
		t.Errorf("the file: %q, %v", text, err)
	}
	if _, err := other.Accept("two", atPath(t, filepath.Join(path, "below")), greets("")); err == nil {
		t.Error("a socket below a file")
	}
	if _, err := other.Accept("two", atPath(t, filepath.Join(t.TempDir(), "none", "s")), greets("")); err == nil || !strings.Contains(err.Error(), "make the folder first") {
		t.Errorf("in no folder: %v", err)
	}
}

// Of several that find a stale socket at the same time, one has it in the end, and
// clients reach that one.
func TestManyFindAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 20 {
		killed, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		killed.(*net.UnixListener).SetUnlinkOnClose(false)
		_ = killed.Close()
		var all sync.WaitGroup
		won := make(chan *Route, 4)
		for range 4 {
			s, _ := newSet(t)
			all.Add(1)
			go func() {
				defer all.Done()
				if r, err := s.Accept("one", atPath(t, path), greets("hello")); err == nil {
					won <- r
				}
			}()
		}
		all.Wait()
		close(won)
		if len(won) != 1 {
			t.Fatalf("%d have it", len(won))
		}
		wantGreeting(t, "unix", path, "hello")
		for r := range won {
			r.Close()
		}
		_ = os.Remove(path)
	}
}

func packetsOf(t *testing.T, r *Route, err error) *net.UDPConn {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return r.Packets()
}

// Who takes an address over reads beside the one before it, until that one closes.
func TestDatagramsAreHandedOver(t *testing.T) {
	s, _ := newSet(t)
	address := flowtest.FreeAddress(t)
	first, err := s.Packets("one", spec(address, ""))
	one := packetsOf(t, first, err)
	if _, err := s.Packets("two", spec(address, "")); err == nil || !strings.Contains(err.Error(), "another connector takes the datagrams") {
		t.Errorf("two have an address: %v", err)
	}
	if _, err := s.Change(leaving("other")).Packets("two", spec(address, "")); err == nil {
		t.Error("it is shared with one who stays")
	}
	c := s.Change(leaving("one"))
	second, err := c.Packets("two", spec(address, ""))
	two := packetsOf(t, second, err)
	if err := c.Commit(); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, err := one.Read(make([]byte, 1)); err == nil {
		t.Error("it reads after it was closed")
	}
	sender, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	if _, err := io.WriteString(sender, "hi"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, err := two.Read(buf); err != nil || string(buf[:n]) != "hi" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if second.Addr() != address {
		t.Errorf("it is at %s", second.Addr())
	}
	second.Close()
	again, err := s.Packets("three", spec(address, ""))
	packetsOf(t, again, err)
	again.Close()
}
