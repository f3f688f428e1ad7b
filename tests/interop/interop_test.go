// Package interop holds flows against WebSocket clients that we did not write:
// `ws` for Node, `websockets` for Python, and a browser, Chromium; and the admin
// API against the clients of the documentation of Bifrost. The checks are the
// scripts in testdata. The packages come from their registries at the first run
// and stay in the user's cache folder; the browser is the system's.
package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/process"
)

// The versions that are tested against.
const (
	nodeWS           = "8.23.0"
	pythonWebsockets = "15.0.1"
)

// program is flowrun, built once.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "flowrun-interop-")
	if err == nil {
		defer os.RemoveAll(dir)
		program, err = process.Build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// withPatience ends what hangs. What a test starts is ended before.
func withPatience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestNode(t *testing.T) {
	node := tool(t, "node")
	modules := installed(t, "ws-"+nodeWS, func(ctx context.Context, dir string) *exec.Cmd {
		return exec.CommandContext(ctx, tool(t, "npm"), "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "ws@"+nodeWS)
	})
	against(t, []string{"NODE_PATH=" + filepath.Join(modules, "node_modules")}, node, "client.js")
}

func TestPython(t *testing.T) {
	python, env := pythonPinned(t)
	against(t, env, python, "client.py")
}

// pythonPinned finds Python, and says where it finds the version of websockets
// that is tested against.
func pythonPinned(t *testing.T) (python string, env []string) {
	t.Helper()
	python = tool(t, "python3")
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import asyncio; asyncio.timeout").CombinedOutput(); err != nil {
		t.Skipf("skipped: the script needs Python 3.11 or later: %s", out)
	}
	packages := installed(t, "websockets-"+pythonWebsockets, func(ctx context.Context, dir string) *exec.Cmd {
		return exec.CommandContext(ctx, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", dir, "websockets=="+pythonWebsockets)
	})
	return python, []string{"PYTHONPATH=" + packages, "PYTHONDONTWRITEBYTECODE=1"}
}

// against runs a script's checks, with and without compression.
func against(t *testing.T, env []string, interpreter, script string) {
	for _, compression := range []string{"off", "no_context_takeover", "context_takeover"} {
		t.Run(compression, func(t *testing.T) { check(t, env, interpreter, script, compression) })
	}
}

// check runs a script's checks. When the script says that it waits, the server
// is told to end; both must then end well.
func check(t *testing.T, env []string, interpreter, script, compression string) {
	t.Helper()
	ctx := withPatience(t)
	server := start(t, ctx, "testdata", "server", "run", "--var", "url=127.0.0.1:0", "--var", "compression="+compression, "echo.hcl")
	addr := listening(t, ctx, server, "edge")
	client, err := process.Start(ctx, process.Options{Env: env}, interpreter, filepath.Join("testdata", script), "ws://"+addr, compression)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Kill()
	said := func() string {
		return fmt.Sprintf("%s%s\nthe server:\n%s", client.Stdout, client.Stderr, server.Stderr)
	}
	if err := client.Stdout.Wait(ctx, func(text string) bool { return strings.Contains(text, "waiting for the server to end") }); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, said())
	}
	if err := server.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := client.Wait(ctx); err != nil || code != 0 {
		t.Errorf("%s ended with code %d, %v\n%s", script, code, err, said())
	}
	if code, err := server.Wait(ctx); err != nil || code != 0 {
		t.Errorf("the server ended with code %d, %v\n%s", code, err, said())
	}
	t.Logf("%s", client.Stdout)
}

// start runs flowrun in a folder, until the test ends at the latest.
func start(t *testing.T, ctx context.Context, dir string, args ...string) *process.Process {
	t.Helper()
	if err := process.DependOnSources("../.."); err != nil {
		t.Fatal(err)
	}
	p, err := process.Start(ctx, process.Options{Dir: dir}, program, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// listening returns the "host:port" of one of the server's connectors.
func listening(t *testing.T, ctx context.Context, server *process.Process, connector string) string {
	t.Helper()
	addr, err := server.Listening(ctx, connector)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// tool finds a program, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	return path
}

// missing skips a test for what this machine has not. Where nothing may be left
// out, that is an error.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip("skipped: " + what)
}

// installed returns the folder with a package, which install puts there when
// it is not in the cache yet. Where that cannot be done, the test is skipped.
func installed(t *testing.T, name string, install func(ctx context.Context, dir string) *exec.Cmd) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	cache = filepath.Join(cache, "flowrun-interop")
	dir := filepath.Join(cache, name)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	scratch, err := os.MkdirTemp(cache, name+".")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(scratch)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if out, err := install(ctx, scratch).CombinedOutput(); err != nil {
		t.Skipf("skipped: %s could not be installed: %v\n%s", name, err, out)
	}
	if err := os.Rename(scratch, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // another run may have been faster
			t.Fatal(err)
		}
	}
	return dir
}
