// Package cli tests the built binary as a user sees it on a command line. Each
// *.txtar file is a script about one command; beside the commands of
// testscript there are:
//
//	exits CODE program args…     the program ends with this code; its output can be matched as after exec
//	free-address VAR             puts a free "127.0.0.1:port" into a variable
//	occupy VAR                   listens on an address until the script ends
//	until FILE REGEXP [VAR]      waits until the file's content matches, and keeps the match of the first group
//	talk URL FILE MESSAGE…       sends each message over a WebSocket and writes the answers to the file
//	ask STATUS METHOD URL FILE HEADER…   sends an HTTP request ("Host: name" is a header, too), wants this status, writes the body to the file
//	signal TERM|INT              signals what runs in the background
//
// `go test ./tests/cli -update` writes what the commands print into the
// scripts, where they compare it with a file of the script.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/tests/process"
	"github.com/flowrun/flowrun/tests/selfsigned"
)

var update = flag.Bool("update", false, "write what commands print into the scripts")

// patience bounds every wait; nothing takes nearly as long when all is well.
const patience = 2 * time.Minute

var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "flowrun-cli-")
	if err == nil {
		binary, err = process.Build(context.Background(), dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir) // a temporary folder
	os.Exit(code)
}

// built is the binary that a test is about.
func built(t *testing.T) string {
	t.Helper()
	if err := process.DependOnSources("../.."); err != nil {
		t.Fatal(err)
	}
	return binary
}

func TestScripts(t *testing.T) {
	binary := built(t)
	examples, err := filepath.Abs("../../flows/examples")
	if err != nil {
		t.Fatal(err)
	}
	certificate, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	selfsigned.New(t, "127.0.0.1").Write(t, certificate, key)
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		Deadline:            time.Now().Add(8 * time.Minute), // of all together,
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("EXAMPLES", examples)
			env.Setenv("CERT", certificate) // for 127.0.0.1, signed by itself
			env.Setenv("KEY", key)
			env.Setenv("GORACE", os.Getenv("GORACE")) // for a binary with the race detector
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":        exits,
			"free-address": func(ts *testscript.TestScript, neg bool, args []string) { freeAddress(t, ts, neg, args) },
			"occupy":       occupy,
			"until":        until,
			"talk":         talk,
			"ask":          ask,
			"signal":       signal,
		},
	})
}

// need checks how a command of a script is used.
func need(ts *testscript.TestScript, neg bool, args []string, n int, use string) {
	if neg || len(args) < n {
		ts.Fatalf("usage: %s", use)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "exits CODE program args…")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if status := (*exec.ExitError)(nil); errors.As(err, &status) {
		got = status.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exits with %d, not %d", strings.Join(args[1:], " "), got, want)
	}
}

func freeAddress(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "free-address VAR")
	ts.Setenv(args[0], flowtest.FreeAddress(t))
}

func occupy(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "occupy VAR")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Defer(func() { l.Close() })
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "until FILE REGEXP [VAR]")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	giveUp := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if m := pattern.FindSubmatch(text); err == nil && m != nil {
			if len(args) == 3 {
				ts.Setenv(args[2], string(m[1]))
			}
			return
		}
		select {
		case <-again.C:
		case <-giveUp:
			ts.Fatalf("%s does not match %s; it holds:\n%s", args[0], args[1], text)
		}
	}
}

func talk(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "talk URL FILE MESSAGE…")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, args[0], nil) //nolint:bodyclose // the library closes it
	ts.Check(err)
	defer conn.CloseNow() //nolint:errcheck // it is closed already when all went well
	var answers strings.Builder
	for _, message := range args[2:] {
		ts.Check(conn.Write(ctx, websocket.MessageText, []byte(message+"\n")))
		_, answer, err := conn.Read(ctx)
		ts.Check(err)
		answers.Write(answer)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(answers.String()), 0o666))
	ts.Check(conn.Close(websocket.StatusNormalClosure, ""))
}

func ask(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 4, "ask STATUS METHOD URL FILE HEADER…")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, args[1], args[2], nil)
	ts.Check(err)
	for _, header := range args[4:] {
		name, value, _ := strings.Cut(header, ": ")
		if r.Header.Add(name, value); name == "Host" {
			r.Host = value
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	ts.Check(err)
	defer answer.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), body, 0o666))
	if want := args[0]; strconv.Itoa(answer.StatusCode) != want {
		ts.Fatalf("%s %s: %s, not %s: %s", args[1], args[2], answer.Status, want, body)
	}
}

func signal(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "signal TERM|INT")
	sig, ok := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT}[args[0]]
	if !ok {
		ts.Fatalf("no signal %s", args[0])
	}
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(sig))
	}
}
