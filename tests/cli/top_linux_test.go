package cli

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/process"
	"github.com/flowrun/flowrun/tests/terminal"
)

// TestTop looks at `flowrun top` on the screen of a terminal: it follows the size, a
// process that comes and goes, and leaves all as it was.
func TestTop(t *testing.T) {
	binary := built(t)
	admin, edge := flowtest.FreeAddress(t), flowtest.FreeAddress(t)
	server := serve(t, binary, admin, edge)
	go chat(t.Context(), edge)
	again := func() *process.Process { return serve(t, binary, admin, edge) }

	for key, name := range map[string]string{"q": "q", "\x03": "ctrl-C", "": "SIGTERM"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			top, err := terminal.Start(80, 24, exec.Command(binary, "top", "--admin", admin, "--interval", "100ms"))
			if err != nil {
				t.Fatal(err)
			}
			defer top.Close()
			shows(ctx, t, top, `^flowrun at `+admin+`   ready, running for \d+s +\d\d:\d\d:\d\d$`, 80)
			shows(ctx, t, top, `^echo/edge +open +1 +[\d.]+k? +[\d.]+k? +0 +0 +0$`, 0)
			if err := top.Resize(50, 10); err != nil {
				t.Fatal(err)
			}
			shows(ctx, t, top, `^echo/edge +open .*…$`, 50)
			if err := top.Resize(120, 10); err != nil {
				t.Fatal(err)
			}
			shows(ctx, t, top, `^flowrun at .* \d\d:\d\d:\d\d$`, 120)

			// A process that ends is not the end.
			server.Kill()
			shows(ctx, t, top, `^not heard of for \d+s:$`, 0)
			shows(ctx, t, top, `^nothing listens at `+admin, 0)
			server = again()
			shows(ctx, t, top, `^echo/edge +open `, 0)

			if name == "SIGTERM" {
				err = top.Signal()
			} else {
				err = top.Type(key)
			}
			if err != nil {
				t.Fatal(err)
			}
			if asBefore, err := top.Wait(); err != nil || !asBefore {
				t.Errorf("it ended with %v; the terminal is as before: %v", err, asBefore)
			}
			await(ctx, t, top, "the screen of before", top.AsBefore)
			if unknown := top.Unknown(); len(unknown) > 0 {
				t.Errorf("on the screen it does %s", unknown)
			}
		})
	}
}

// shows waits for a line that matches, of so many columns unless that is 0.
func shows(ctx context.Context, t *testing.T, top *terminal.Terminal, pattern string, columns int) {
	t.Helper()
	p := regexp.MustCompile(pattern)
	await(ctx, t, top, pattern, func() bool {
		for line := range strings.SplitSeq(top.String(), "\n") {
			if p.MatchString(line) && (columns == 0 || len([]rune(line)) == columns) {
				return true
			}
		}
		return false
	})
}

func await(ctx context.Context, t *testing.T, top *terminal.Terminal, what string, is func() bool) {
	t.Helper()
	for {
		changed := top.Changed()
		if is() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("the screen does not show %s:\n%s", what, top)
		}
	}
}

// serve runs the echo, and returns when it answers.
func serve(t *testing.T, binary, admin, edge string) *process.Process {
	t.Helper()
	examples, err := filepath.Abs("../../flows/examples")
	if err != nil {
		t.Fatal(err)
	}
	p, err := process.Start(t.Context(), process.Options{}, binary, "server", "run", "--admin", admin, "--var", "url="+edge, filepath.Join(examples, "echo.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := p.Listening(ctx, "edge"); err != nil {
		t.Fatalf("%v\n%s", err, p.Stderr)
	}
	return p
}

// chat says something again and again until ctx ends, to whichever server is there.
func chat(ctx context.Context, edge string) {
	for ctx.Err() == nil {
		conn, _, err := websocket.Dial(ctx, "ws://"+edge, nil) //nolint:bodyclose // the library closes it
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
			continue
		}
		for err == nil {
			if err = conn.Write(ctx, websocket.MessageText, []byte("{}\n")); err == nil {
				_, _, err = conn.Read(ctx)
			}
		}
		_ = conn.CloseNow()
	}
}
