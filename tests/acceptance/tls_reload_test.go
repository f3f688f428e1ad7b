package acceptance

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/wire"
)

// editing is a process whose flow changes: one server at one address.
type editing struct {
	*flowrun
	addr    string
	reloads int
	refused int
}

// flowWith is an echo at addr, with more settings.
func flowWith(addr, more string) string {
	return fmt.Sprintf(`connector "ws_server" "edge" {
  url   = %q
  codec = "json"
  %s
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
`, addr, more)
}

func tlsWith(more string) string {
	return "tls {\n cert = \"localhost.cert\"\n key = \"localhost.key\"\n" + more + "\n}"
}

func edit(t *testing.T, dir, more string) *editing {
	t.Helper()
	addr := flowtest.FreeAddress(t)
	e := &editing{flowrun: start(t, dir, flowWith(addr, more)), addr: addr}
	e.address("edge")
	return e
}

// becomes changes the flow and waits until that has been dealt with.
func (e *editing) becomes(more string, taken bool) {
	e.t.Helper()
	err := os.WriteFile(filepath.Join(e.dir, "flow.hcl"), []byte(flowWith(e.addr, more)), 0o600)
	if err == nil {
		err = e.Signal(syscall.SIGHUP)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	word, n := "the reload failed", &e.refused
	if taken {
		word, n = `"msg":"reloaded"`, &e.reloads
	}
	*n++
	e.logged(word, func(text string) bool { return strings.Count(text, word) == *n })
}

// answers expects that who connects, trusting config, is answered.
func (e *editing) answers(config *tls.Config) *wire.Conn {
	e.t.Helper()
	c, err := dial(e.addr, config)
	if err == nil {
		err = echoes(c, `"hello"`)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = c.Close() })
	return c
}

// rejects expects that who connects so does not come in.
func (e *editing) rejects(config *tls.Config) {
	e.t.Helper()
	if c, err := dial(e.addr, config); err == nil {
		_ = c.Close()
		e.t.Error("a client came in that must not")
	}
}

// toldToComeBack expects that a connection is closed since its server changed.
func (e *editing) toldToComeBack(c *wire.Conn) {
	e.t.Helper()
	_ = c.SetDeadline(time.Now().Add(patience))
	if f, err := c.Next(); err != nil || f.Opcode != wire.Close || f.Code() != 1012 {
		e.t.Errorf("instead of a close with 1012 came opcode %d, %d, %v", f.Opcode, f.Code(), err)
	}
}

// A renewed certificate is for who connects from then on, with no signal and no
// reload, and half of one is for nobody.
func TestRenewedCertificates(t *testing.T) {
	dir := t.TempDir()
	old := certificate(t, dir)
	e := edit(t, dir, tlsWith(""))
	first := e.answers(old)
	if err := os.WriteFile(filepath.Join(dir, "localhost.cert"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.answers(old)
	e.logged("a warning of it", func(text string) bool { return strings.Contains(text, "the old ones stay in use") })
	renewed := certificate(t, dir)
	e.answers(renewed)
	e.rejects(old)
	e.logged("the change", func(text string) bool { return strings.Contains(text, "the TLS files have changed and are in use") })
	if err := echoes(first, `"still here"`); err != nil {
		t.Error(err)
	}
	e.becomes(tlsWith(""), true) // nothing has changed but the files
	if err := echoes(first, `"still here"`); err != nil {
		t.Error(err)
	}
	if err := leaves(first); err != nil {
		t.Error(err)
	}
}

// TLS settings are changed, left out and put back on one address: clients are
// told to come back, come in at once when they speak what the server now does,
// and not at all when they do not.
func TestTLSSettingsChangeByReload(t *testing.T) {
	dir := t.TempDir()
	trusted := certificate(t, dir)
	old := trusted.Clone()
	old.MaxVersion = tls.VersionTLS12
	e := edit(t, dir, tlsWith(""))
	c := e.answers(old)

	e.becomes(tlsWith(`min_version = "1.3"`), true)
	e.toldToComeBack(c)
	e.rejects(old)
	c = e.answers(trusted)

	e.becomes("tls {\n cert = \"nowhere.cert\"\n key = \"localhost.key\"\n}", false)
	if err := echoes(c, `"undisturbed"`); err != nil {
		t.Error(err)
	}

	e.becomes("", true) // plain
	e.toldToComeBack(c)
	e.rejects(trusted)
	c = e.answers(nil)

	e.becomes(tlsWith("client_ca = \"localhost.cert\"\n client_auth = \"require\""), true)
	e.toldToComeBack(c)
	e.rejects(nil)
	e.rejects(trusted)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "localhost.cert"), filepath.Join(dir, "localhost.key"))
	if err != nil {
		t.Fatal(err)
	}
	known := trusted.Clone()
	known.Certificates = []tls.Certificate{pair}
	c = e.answers(known)

	if err := e.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	e.exits(0)
	_ = c.Close()
}
