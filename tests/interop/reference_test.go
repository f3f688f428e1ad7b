package interop

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/tests/process"
	"github.com/flowrun/flowrun/tests/selfsigned"
)

// TestReferenceFlows looks at fanout.hcl and window.hcl as somebody has them who
// runs them. The tests below change nothing in them but names, addresses and
// the length of a window.
func TestReferenceFlows(t *testing.T) {
	ctx := withPatience(t)
	dir := folder(t, "fanout.hcl", "window.hcl")
	certificates(t, dir, selfsigned.New(t, "server"), selfsigned.New(t, "device"))
	p := start(t, ctx, dir, "validate", "fanout.hcl", "window.hcl", "--var", "feed_token=s3cret")
	const want = "ok fanout: 3 connectors, 1 pipeline, 2 connects\nok window: 1 connector, 1 pipeline, 1 connect\n"
	if code, err := p.Wait(ctx); err != nil || code != 0 || p.Stdout.String() != want || p.Stderr.String() != "" {
		t.Errorf("validate ends with code %d, %v:\n%s%s", code, err, p.Stdout, p.Stderr)
	}
}

// certificates puts those that window.hcl needs where it looks for them.
func certificates(t *testing.T, dir string, server, devices *selfsigned.Certificate) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "certs"), 0o700); err != nil {
		t.Fatal(err)
	}
	server.Write(t, filepath.Join(dir, "certs", "server.crt"), filepath.Join(dir, "certs", "server.key"))
	devices.Write(t, filepath.Join(dir, "certs", "device-ca.crt"), filepath.Join(dir, "certs", "device-ca.key"))
}

// runHere runs a flow of testdata, in a folder with a copy of it, in which all
// the old texts are replaced by the new ones.
func runHere(t *testing.T, ctx context.Context, dir, flow string, oldNew map[string]string, args ...string) *process.Process {
	t.Helper()
	file := filepath.Join(dir, flow)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for before, after := range oldNew {
		if n := strings.Count(string(text), before); n != 1 {
			t.Fatalf("%s holds %q %d times", flow, before, n)
		}
		text = []byte(strings.Replace(string(text), before, after, 1))
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, ctx, dir, append([]string{"server", "run", flow}, args...)...)
}

// browseFanout has a page listen to the broadcast of fanout.hcl, which stands
// behind a proxy that speaks TLS for it and says who the client is.
func browseFanout(t *testing.T, ctx context.Context, b *chromium) {
	const secret = "feed-s3cret"
	feed, issuer := newFeed(t, secret, `{"data":{"host":"rrc00"},"type":"subscribe"}`), newIssuer(t)
	e := &edge{Process: runHere(t, ctx, folder(t, "fanout.hcl"), "fanout.hcl", map[string]string{
		"wss://feed.example.net":  "ws" + strings.TrimPrefix(feed.URL, "http"),
		"ws://0.0.0.0:8080/live":  "ws://127.0.0.1:0/live",
		"10.0.0.0/8":              "127.0.0.1",
		"https://id.example.org/": issuer.URL + "/",
	}, "--var", "feed_token="+secret)}
	url := b.proxy("live.example.org", listening(t, ctx, e.Process, "edge"), "203.0.113.7") + "/live"

	token, err := issuer.token("valid")
	if err != nil {
		t.Fatal(err)
	}
	b.visit(t, ctx, "www.example.net", "refused.js", map[string]string{"url": url + "?access_token=" + token, "protocol": "feed.v1.json"}, nil)
	e.logs(t, ctx, "origin_not_allowed")

	b.visit(t, ctx, "app.example.org", "fanout.js", map[string]string{"url": url}, acts{
		"token":     issuer.issue,
		"publish":   feed.publish,
		"terminate": e.terminate,
	})
	e.ends(t, ctx)
	for _, what := range []string{
		"203.0.113.7", "there is no token", "the token has expired", "the token is for another audience", "the token's signature is wrong",
		"max_connections_per_ip", "messages_per_second",
	} {
		e.logs(t, ctx, what)
	}
	for _, what := range []string{secret, "access_token", "eyJ"} { // a JWT begins with eyJ
		if strings.Contains(e.Stderr.String(), what) {
			t.Errorf("the edge logs %q:\n%s", what, e.Stderr)
		}
	}
}

// browseWindow has devices take part in window.hcl, and a page that has no
// certificate try to. The window is longer than the test: the end of the flow
// closes it, before the devices are told goodbye.
func browseWindow(t *testing.T, ctx context.Context, b *chromium) {
	dir, own := folder(t, "window.hcl"), selfsigned.New(t, "device")
	certificates(t, dir, b.trusted, own)
	e := &edge{Process: runHere(t, ctx, dir, "window.hcl", map[string]string{
		"wss://0.0.0.0:9000": "wss://127.0.0.1:0",
		`"1m"`:               `"87600h"`,
	})}
	addr := listening(t, ctx, e.Process, "devices")

	_, port, _ := strings.Cut(addr, ":")
	b.visit(t, ctx, "app.example.org", "refused.js", map[string]string{"url": "wss://devices.example.org:" + port}, nil)
	if strings.Contains(e.Stderr.String(), "handshake refused") {
		t.Errorf("the page is refused for another reason than its certificate:\n%s", e.Stderr)
	}

	var devices [3]*device
	for i, site := range []string{"ams", "nyc", "ams"} {
		devices[i] = connectDevice(t, ctx, addr, &tls.Config{RootCAs: b.trusted.Pool(), Certificates: []tls.Certificate{own.Certificate}})
		for n := range 4 {
			devices[i].measures(t, ctx, site, 10*i*i+n)
		}
	}
	for _, d := range devices {
		if err := d.Ping(ctx); err != nil { // it is answered after what was sent before it has been taken
			t.Fatal(err)
		}
	}
	if err := e.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	e.ends(t, ctx)
	ams, nyc := figures{Site: "ams", Count: 8, Mean: 21.5, P99: 43}, figures{Site: "nyc", Count: 4, Mean: 11.5, P99: 13}
	devices[0].got(t, ams, 2)
	devices[1].got(t, nyc, 1)
	devices[2].got(t, ams, 2)
}
