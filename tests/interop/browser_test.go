package interop

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/tests/process"
	"github.com/flowrun/flowrun/tests/selfsigned"
)

func TestBrowser(t *testing.T) {
	ctx := withPatience(t)
	b := browse(t, ctx)
	t.Run("refused", func(t *testing.T) { browseRefused(t, ctx, b) })
	for _, compression := range []string{"off", "no_context_takeover", "context_takeover"} {
		t.Run("edge/"+compression, func(t *testing.T) { browseEdge(t, ctx, b, compression) })
	}
	t.Run("members", func(t *testing.T) {
		members := startEdge(t, ctx, b.trusted, "members.hcl")
		b.visit(t, ctx, "app.example.org", "members.js", map[string]string{"url": members.url}, nil)
	})
	t.Run("fanout", func(t *testing.T) { browseFanout(t, ctx, b) })
	t.Run("window", func(t *testing.T) { browseWindow(t, ctx, b) })
}

// browseRefused has pages try what they must not be able to do.
func browseRefused(t *testing.T, ctx context.Context, b *chromium) {
	edge := startEdge(t, ctx, b.trusted, "edge.hcl")
	b.visit(t, ctx, "www.example.net", "refused.js", map[string]string{"url": edge.url}, nil)
	edge.logs(t, ctx, "origin_not_allowed")

	forged := startEdge(t, ctx, selfsigned.New(t, "*.example.org"), "edge.hcl")
	b.visit(t, ctx, "app.example.org", "refused.js", map[string]string{"url": forged.url}, nil)
}

func browseEdge(t *testing.T, ctx context.Context, b *chromium, compression string) {
	edge, mortal := startEdge(t, ctx, b.trusted, "edge.hcl", "--var", "compression="+compression), startEdge(t, ctx, b.trusted, "edge.hcl", "--var", "compression="+compression)
	b.visit(t, ctx, "app.example.org", "edge.js", map[string]string{"url": edge.url, "mortal": mortal.url, "compression": compression}, acts{
		"cookie": func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{
				Name: "session", Value: "s3cret", Domain: "example.org", Path: "/",
				HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
			})
		},
		"kill":      func(http.ResponseWriter, *http.Request) { mortal.Kill() },
		"terminate": edge.terminate,
	})
	edge.ends(t, ctx)
}

// edge is a flow that pages can connect to.
type edge struct {
	*process.Process
	url string
}

func startEdge(t *testing.T, ctx context.Context, own *selfsigned.Certificate, flow string, args ...string) *edge {
	t.Helper()
	dir := folder(t, flow)
	own.Write(t, filepath.Join(dir, "edge.cert"), filepath.Join(dir, "edge.key"))
	e := &edge{Process: start(t, ctx, dir, append([]string{"server", "run", flow, "--var", "url=wss://127.0.0.1:0"}, args...)...)}
	_, port, _ := strings.Cut(listening(t, ctx, e.Process, "edge"), ":")
	e.url = "wss://edge.example.org:" + port + "/"
	return e
}

// terminate is for pages that want to see that.
func (e *edge) terminate(w http.ResponseWriter, _ *http.Request) {
	if err := e.Signal(syscall.SIGTERM); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// logs waits until the edge has logged something.
func (e *edge) logs(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	if err := e.Stderr.Wait(ctx, func(text string) bool { return strings.Contains(text, what) }); err != nil {
		t.Errorf("the edge does not log %q: %v\n%s", what, err, e.Stderr)
	}
}

// ends waits for the end of an edge that was asked to.
func (e *edge) ends(t *testing.T, ctx context.Context) {
	t.Helper()
	if code, err := e.Wait(ctx); err != nil || code != 0 {
		t.Errorf("the edge ends with code %d, %v\n%s", code, err, e.Stderr)
	}
}

// folder is a scratch folder with copies of files of testdata.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
