// Package acceptance holds the built binary to what flowrun promises: replies
// find their connection, one slow or broken client harms no other, what is in
// flight survives the end of the process, and bad input is bounded.
//
// Nothing here asserts how long something takes; time limits are generous and
// only end what would hang.
package acceptance

import (
	"context"
	"crypto/tls"
	"debug/buildinfo"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/usage"
	"github.com/flowrun/flowrun/tests/process"
	"github.com/flowrun/flowrun/tests/selfsigned"
	"github.com/flowrun/flowrun/tests/wire"
)

// program is flowrun, built once.
var program string

func TestMain(m *testing.M) {
	if address, path, ok := strings.Cut(os.Getenv(receives), " "); ok {
		fmt.Fprintln(os.Stderr, receive(address, path))
		os.Exit(1)
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "flowrun-acceptance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if program, err = process.Build(context.Background(), dir); err == nil {
		err = process.MaxFiles()
	}
	if err == nil {
		instrumented, err = hasRaceDetector(program)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// instrumented says that the binary has the race detector, which needs several
// times the memory.
var instrumented bool

func hasRaceDetector(path string) (bool, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("read how the binary was built: %w", err)
	}
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}), nil
}

// rounds is n, and a quarter of it where the binary has the race detector: what
// is repeated for the sake of a figure is so without it.
func rounds(n int) int {
	if instrumented {
		return n / 4
	}
	return n
}

// patience ends whatever hangs.
const patience = 4 * time.Minute

func withPatience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// flowrun is a running process with one flow, in a folder of its own.
type flowrun struct {
	*process.Process
	t   *testing.T
	dir string
}

// start runs a flow, given as text, with these arguments. What it printed is
// shown when the test fails.
func start(t *testing.T, dir, flow string, args ...string) *flowrun {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(dir, "flow.hcl"), []byte(flow), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := process.DependOnSources("../.."); err != nil {
		t.Fatal(err)
	}
	all := append([]string{"server", "run", "flow.hcl", "--log-format", "json"}, args...)
	p, err := process.Start(t.Context(), process.Options{Dir: dir}, program, all...)
	if err != nil {
		t.Fatal(err)
	}
	f := &flowrun{p, t, dir}
	t.Cleanup(func() {
		f.Kill()
		for _, disaster := range []string{"DATA RACE", "panic:", "fatal error:"} {
			if strings.Contains(f.Stderr.String(), disaster) {
				t.Errorf("flowrun printed %q", disaster)
			}
		}
		if t.Failed() {
			t.Logf("flowrun's standard error:\n%s", tail(f.Stderr.String(), 4000))
		}
	})
	return f
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// address waits until the connector listens.
func (f *flowrun) address(connector string) string {
	f.t.Helper()
	addr, err := f.Listening(withPatience(f.t), connector)
	if err != nil {
		f.t.Fatal(err)
	}
	return addr
}

// exits waits for the end of the process and compares its exit code.
func (f *flowrun) exits(code int) {
	f.t.Helper()
	if got, err := f.Wait(withPatience(f.t)); err != nil || got != code {
		f.t.Errorf("the process ended with code %d, %v; expected %d", got, err, code)
	}
}

// logged waits until the process has logged text that will do.
func (f *flowrun) logged(what string, enough func(text string) bool) {
	f.t.Helper()
	if err := f.Stderr.Wait(withPatience(f.t), enough); err != nil {
		f.t.Errorf("wait for %s in the log: %v", what, err)
	}
}

func (f *flowrun) rss() int64 {
	f.t.Helper()
	n, err := usage.RSS(f.PID())
	if err != nil {
		f.t.Skipf("skipped: %v", err)
	}
	return n
}

// grewAtMost fails the test when the process's memory has grown by more than
// the given number of MiB since before.
func (f *flowrun) grewAtMost(before int64, mib int64) {
	f.t.Helper()
	if instrumented {
		mib *= 4
	}
	grown := (f.rss() - before) >> 20
	f.t.Logf("memory grew by %d MiB", grown)
	if grown > mib {
		f.t.Errorf("memory grew by %d MiB, more than %d", grown, mib)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// connect opens a plain TCP connection on which nothing hangs for ever.
func connect(addr string) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(patience))
}

// dial opens a WebSocket connection, over TLS when config is not nil.
func dial(addr string, config *tls.Config) (*wire.Conn, error) {
	c, err := connect(addr)
	if err != nil {
		return nil, err
	}
	if config != nil {
		c = tls.Client(c, config)
	}
	return wire.Handshake(c, "/")
}

func mustDial(t *testing.T, addr string) *wire.Conn {
	t.Helper()
	c, err := dial(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// expect reads the next data message, which must be this text.
func expect(c *wire.Conn, want string) error {
	for {
		f, err := c.Next()
		switch {
		case err != nil:
			return fmt.Errorf("wait for %.100q: %w", want, err)
		case f.Opcode == wire.Ping:
			if err := c.Send(wire.Fin|wire.Pong, f.Payload); err != nil {
				return err
			}
		case f.Opcode == wire.Close:
			return fmt.Errorf("wait for %.100q: closed with %d %s", want, f.Code(), f.Payload[min(2, len(f.Payload)):])
		case f.Opcode != wire.Text || string(f.Payload) != want:
			return fmt.Errorf("got opcode %d, %.100q, not text %.100q", f.Opcode, f.Payload, want)
		default:
			return nil
		}
	}
}

// echoes sends a line and waits for it to come back.
func echoes(c *wire.Conn, line string) error {
	if err := c.Send(wire.Fin|wire.Text, []byte(line)); err != nil {
		return err
	}
	return expect(c, line)
}

// taken waits until the server has dealt with all that was sent.
func taken(c *wire.Conn) error {
	if err := c.Send(wire.Fin|wire.Ping, []byte("taken?")); err != nil {
		return err
	}
	m, err := c.Next()
	if err == nil && (m.Opcode != wire.Pong || string(m.Payload) != "taken?") {
		err = fmt.Errorf("got opcode %d, %.100q, not the pong", m.Opcode, m.Payload)
	}
	return err
}

// leaves closes the connection; nothing may come before the answer.
func leaves(c *wire.Conn) error {
	code, before, err := c.Leave(1000)
	switch {
	case err != nil:
		return fmt.Errorf("wait for the answer to close: %w", err)
	case code != 1000:
		return fmt.Errorf("close 1000 was answered with %d", code)
	}
	for _, f := range before {
		if f.Opcode != wire.Ping {
			return fmt.Errorf("got more than was sent: opcode %d, %.100q", f.Opcode, f.Payload)
		}
	}
	_ = c.Close() // all has been said; TLS may miss time for a word of its own
	return nil
}

// witness is a client that must not notice what happens to others. The
// function that it returns ends it, after its first answer at the earliest.
func witness(t *testing.T, addr string, config *tls.Config) (end func()) {
	t.Helper()
	c, err := dial(addr, config)
	if err != nil {
		t.Fatal(err)
	}
	return beside(t, c, func(n int) error { return echoes(c, fmt.Sprintf(`{"witness":%d}`+"\n", n)) })
}

// beside asks again and again, once at least, until the function that it returns is
// called, which says it when an answer was missing, and closes the connection.
func beside(t *testing.T, c *wire.Conn, ask func(n int) error) (end func()) {
	var over atomic.Bool
	answered, result := 0, make(chan error, 1)
	go func() {
		for {
			_ = c.SetDeadline(time.Now().Add(patience))
			if over.Load() && answered > 0 {
				result <- leaves(c)
				return
			}
			if err := ask(answered); err != nil {
				result <- err
				return
			}
			answered++
		}
	}()
	return func() {
		t.Helper()
		over.Store(true)
		if err := <-result; err != nil {
			t.Errorf("a client beside was disturbed after %d answers: %v", answered, err)
		}
		_ = c.Close()
	}
}

// certificate writes localhost.cert and localhost.key into a folder and
// returns a configuration that trusts them.
func certificate(t *testing.T, dir string) *tls.Config {
	t.Helper()
	c := selfsigned.New(t, "localhost", "127.0.0.1", "::1")
	c.Write(t, filepath.Join(dir, "localhost.cert"), filepath.Join(dir, "localhost.key"))
	return &tls.Config{RootCAs: c.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12}
}
