package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/evanw/esbuild/pkg/api"

	"github.com/flowrun/flowrun/tests/process"
)

// The clients of Bifrost's documentation watch a process, whose own clients come
// and go, by its admin API.

// watched is a process that is watched by its admin API.
type watched struct {
	*process.Process
	admin string // "127.0.0.1:8686"
	edge  string
	cut   chan struct{} // takes from a connector of it what it is connected to
}

const adminToken = "hush-admin"

// watch runs the example echo.hcl, and a connector that can be made to come and go.
// more is added to that flow.
func watch(t *testing.T, ctx context.Context, token, more string) *watched {
	t.Helper()
	t.Setenv("FLOWRUN_ADMIN_TOKEN", token)
	w := &watched{cut: make(chan struct{})}
	up := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(rw, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		select {
		case <-w.cut:
		case <-c.CloseRead(r.Context()).Done():
		}
	}))
	t.Cleanup(up.Close)
	dir := folder(t, "up.hcl")
	flow := filepath.Join(dir, "up.hcl")
	text, err := os.ReadFile(flow)
	if err == nil {
		text = []byte(strings.Replace(string(text), "  type = string\n", "  type    = string\n  default = \"ws"+strings.TrimPrefix(up.URL, "http")+"\"\n", 1) + more)
		err = os.WriteFile(flow, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	echo, err := filepath.Abs("../../flows/examples/echo.hcl")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FLOWRUN_VAR_url", "127.0.0.1:0")
	w.Process = start(t, ctx, dir, "server", "run", "--admin", "127.0.0.1:0", echo, "up.hcl")
	w.edge = listening(t, ctx, w.Process, "edge")
	w.admin = strings.TrimPrefix(regexp.MustCompile(`the admin API listens on (http://\S+)`).FindStringSubmatch(w.Stderr.String())[1], "http://")
	return w
}

// client comes to the edge, says something, and goes.
func (w *watched) client(ctx context.Context) error {
	c, _, err := websocket.Dial(ctx, "ws://"+w.edge, nil)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("{\"hello\":\"world\"}\n")); err != nil {
		return err
	}
	if _, _, err := c.Read(ctx); err != nil {
		return err
	}
	return c.Close(websocket.StatusNormalClosure, "")
}

// acts are what pages can have done to w.
func (w *watched) acts() acts {
	return acts{
		"connect": func(rw http.ResponseWriter, r *http.Request) {
			if err := w.client(r.Context()); err != nil {
				http.Error(rw, err.Error(), http.StatusInternalServerError)
			}
		},
		"cut": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case w.cut <- struct{}{}:
			case <-r.Context().Done():
			}
		},
	}
}

// bifrost is a client of the page, with other URLs and another token.
func bifrost(t *testing.T, name string, oldNew ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/bifrost", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(string(text), oldNew[i]) {
			t.Fatalf("%s does not hold %q", name, oldNew[i])
		}
	}
	return strings.NewReplacer(oldNew...).Replace(string(text))
}

// follow waits until a client has printed all of these, while others come and go.
func follow(t *testing.T, ctx context.Context, w *watched, p *process.Process, out *process.Output, connected string, wants ...string) {
	t.Helper()
	t.Cleanup(p.Kill)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	stats := regexp.MustCompile(connected)
	if err := out.Wait(ctx, stats.MatchString); err != nil {
		t.Fatalf("%s: %v\n%s%s", connected, err, p.Stdout, p.Stderr)
	}
	if err := w.client(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case w.cut <- struct{}{}:
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
	for _, want := range wants {
		if err := out.Wait(ctx, regexp.MustCompile(want).MatchString); err != nil {
			t.Errorf("it does not print %s: %v\n%s%s\nthe server:\n%s", want, err, p.Stdout, p.Stderr, w.Stderr)
		}
	}
	t.Logf("%s%s", p.Stdout, p.Stderr)
	if strings.Contains(w.Stderr.String(), adminToken) {
		t.Errorf("the server logs the token:\n%s", w.Stderr)
	}
}

// anyWebsockets finds a Python with any version of the package websockets, as
// Debian's python3-websockets is one.
func anyWebsockets(t *testing.T) (python string, env []string) {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import websockets").Run() == nil {
			return name, nil
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no python3 has the package websockets; on Debian, `apt-get install python3-websockets` puts one there")
	}
	return pythonPinned(t)
}

func TestBifrostPython(t *testing.T) {
	ctx := withPatience(t)
	python, env := anyWebsockets(t)
	w := watch(t, ctx, adminToken, "")
	file := filepath.Join(t.TempDir(), "client.py")
	if err := os.WriteFile(file, []byte(bifrost(t, "client.py", "localhost:7082", w.admin, "your-token", adminToken)), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := process.Start(ctx, process.Options{Env: append(env, "PYTHONUNBUFFERED=1")}, python, file)
	if err != nil {
		t.Fatal(err)
	}
	follow(t, ctx, w, p, p.Stdout, `Active connections: \d`, `New connection: 127\.0\.0\.1:\d+ via edge`, `Backend up: unhealthy`, `Backend up: healthy`)
}

func TestBifrostGo(t *testing.T) {
	ctx := withPatience(t)
	client := func(w *watched, origin string) *process.Process {
		t.Helper()
		dir := t.TempDir()
		for _, name := range []string{"go.mod", "go.sum", "client.go"} {
			text := bifrost(t, name)
			if name == "client.go" {
				text = bifrost(t, name, "ws://localhost:7082", "ws://"+w.admin, "http://localhost:7082", origin, "your-token", adminToken)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		build := exec.CommandContext(ctx, "go", "build", "-o", "client", ".")
		build.Dir = dir
		if out, err := build.CombinedOutput(); err != nil {
			missing(t, fmt.Sprintf("the client in Go could not be built: %v\n%s", err, out))
		}
		p, err := process.Start(ctx, process.Options{}, filepath.Join(dir, "client"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	wants := []string{`New connection: 127\.0\.0\.1:\d+ via edge`, `Backend up: healthy=false`, `Backend up: healthy=true`}

	w := watch(t, ctx, adminToken, "")
	p := client(w, "http://"+w.admin)
	follow(t, ctx, w, p, p.Stderr, `Active connections: \d`, wants...)

	// It sends an Origin, as only browsers do. One of another host is for the
	// operator to allow.
	p = client(w, "http://localhost:7082")
	if code, err := p.Wait(ctx); code == 0 || err != nil || !strings.Contains(p.Stderr.String(), "bad status") {
		t.Errorf("with a foreign Origin it ends with code %d, %v: %s", code, err, p.Stderr)
	}
	w = watch(t, ctx, adminToken, "\nflow {\n  admin {\n    address = \"127.0.0.1:0\"\n    origins = [\"http://localhost:7082\"]\n  }\n}\n")
	p = client(w, "http://localhost:7082")
	follow(t, ctx, w, p, p.Stderr, `Active connections: \d`, wants...)
}

// TestBifrostBrowser runs the clients that are for browsers in one: on a page that
// stands beside the API, behind a proxy, and on one of another host that the
// operator has allowed.
func TestBifrostBrowser(t *testing.T) {
	ctx := withPatience(t)
	b := browse(t, ctx)
	script := func(name, text string) map[string]string {
		b.pages.HandleFunc("GET /"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(text)) // the page waits for it
		})
		return map[string]string{"client": "/" + name}
	}
	visit := func(site string, w *watched, params map[string]string, steps ...[2]string) {
		t.Helper()
		text, err := json.Marshal(steps)
		if err != nil {
			t.Fatal(err)
		}
		params["steps"] = string(text)
		b.visit(t, ctx, site, "bifrost.js", params, w.acts())
		if strings.Contains(w.Stderr.String(), adminToken) {
			t.Errorf("the server logs the token:\n%s", w.Stderr)
		}
	}
	events := [][2]string{
		{"", "^Connected to Bifrost WebSocket$"},
		{"connect", `^New connection: 127\.0\.0\.1:\d+ via edge$`},
		{"cut", "^Backend up is unhealthy$"},
		{"", "^Backend up is healthy$"},
		{"", `^Active connections: \d+$`},
	}
	records := [][2]string{
		{"", "^Log stream connected$"},
		{"", "^Log stream ready$"},
		{"cut", `^%c\[warn\] lost, trying again color: inherit$`},
	}

	w := watch(t, ctx, adminToken, "")
	b.beside("ops.example.org", w.admin)
	visit("ops.example.org", w, script("beside.js", javascript(t, bifrost(t, "client.ts", "ws://localhost:7082", "wss://ops.example.org", "your-api-token", adminToken))), events...)
	visit("ops.example.org", w, script("keepalive.js", bifrost(t, "keepalive.js", "ws://localhost:7082", "wss://ops.example.org", "your-token", adminToken)),
		[2]string{"", "^Keep-alive acknowledged$"}, [2]string{"connect", `^event connection\.new$`}, [2]string{"", `^event connection\.close$`})

	// The log streamer shows no token.
	w = watch(t, ctx, "", "")
	b.beside("logs.example.org", w.admin)
	visit("logs.example.org", w, script("logs.js", bifrost(t, "logs.js", "http://localhost:7383", "https://logs.example.org", "your-token", "")), records...)

	const allowed = "\nflow {\n  admin {\n    address = \"127.0.0.1:0\"\n    origins = [\"https://app.example.org\"]\n  }\n}\n"
	w = watch(t, ctx, adminToken, allowed)
	visit("app.example.org", w, script("direct.js", javascript(t, bifrost(t, "client.ts", "ws://localhost:7082", "ws://"+w.admin, "your-api-token", adminToken))), events...)
	w = watch(t, ctx, "", allowed)
	direct := bifrost(t, "logs.js", "http://localhost:7383", "http://"+w.admin, "your-token", "")
	visit("app.example.org", w, script("direct-logs.js", direct), records...)
	visit("www.example.net", w, script("foreign-logs.js", direct), [2]string{"", "^Stream error:"})
}

// javascript takes the types out of a script.
func javascript(t *testing.T, typescript string) string {
	t.Helper()
	r := api.Transform(typescript, api.TransformOptions{Loader: api.LoaderTS})
	for _, e := range r.Errors {
		t.Fatalf("line %d: %s", e.Location.Line, e.Text)
	}
	return string(r.Code)
}

// TestBifrostClientsAreTheirs compares the clients with the page that they are
// from, where that is at hand.
func TestBifrostClientsAreTheirs(t *testing.T) {
	page, err := os.ReadFile("../../../shared/seeds/bifrost_websocket_api.txt")
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	dense := func(text string) string { return strings.Join(strings.Fields(text), "") }
	for _, name := range []string{"client.ts", "client.py", "client.go", "keepalive.js", "logs.js"} {
		if !strings.Contains(dense(string(page)), dense(bifrost(t, name))) {
			t.Errorf("%s is not on the page", name)
		}
	}
}
