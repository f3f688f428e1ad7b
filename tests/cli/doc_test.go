package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/tests/process"
)

// The world of the examples in the reference.
var (
	readsFile = regexp.MustCompile(`path\s*=\s*"([^"]+)"\s*mode\s*=\s*"read"`)
	endsWith  = regexp.MustCompile(`connector "exit"[^}]*code\s*=\s*(\d+)`)
	input     = `{"level":"error","status":500,"path":"/","type":"x"}` + "\n\"exit\"\n"
)

// TestDocExamples validates every example of the reference and runs those that
// need nothing from outside; those of functions are computed.
func TestDocExamples(t *testing.T) {
	binary := built(t)
	out, err := exec.CommandContext(t.Context(), binary, "doc", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Kind, Name, Example string
		Calls               []struct{ Call, Result string }
	}
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		t.Run(c.Kind+" "+c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Example != "" && c.Kind != "peer" { // a part of a test file, not a flow
				runExample(t, binary, c.Example)
			}
			for _, e := range c.Calls {
				if c.Kind == "aggregate" {
					runExample(t, binary, fmt.Sprintf(windowOf, e.Call))
					continue
				}
				got, err := exec.CommandContext(t.Context(), binary, "eval", e.Call).CombinedOutput()
				if err != nil || string(got) != e.Result+"\n" {
					t.Errorf("%s is %s, %v; the reference says %s", e.Call, got, err, e.Result)
				}
			}
		})
	}
}

// windowOf is a flow whose window emits an aggregate.
const windowOf = `connector "stdio" "console" {
  codec = "json"
}

pipeline "some" {
  window "some" {
    kind = "tumbling"
    size = 10
    emit = %s
  }
}

connect "all" {
  from = connector.console
  via  = [pipeline.some]
  to   = connector.console
}
`

// clients finds connectors that connect to others.
var clients = regexp.MustCompile(`connector "\w+_client"`)

// goesOn finds connectors that do not end by themselves.
var goesOn = regexp.MustCompile(`connector "(\w+_server|exec|host|metronome|events|logs|metrics)"|follow\s*=\s*true`)

func runExample(t *testing.T, binary, example string) {
	dir := t.TempDir()
	files := map[string]string{"example.hcl": example}
	for _, m := range readsFile.FindAllStringSubmatch(example, -1) {
		files[m[1]] = input
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	validate := exec.CommandContext(ctx, binary, "validate", "example.hcl")
	validate.Dir = dir
	if out, err := validate.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	} else if strings.Contains(string(out), "warning") {
		t.Errorf("the example is warned about:\n%s", out)
	}
	format := exec.CommandContext(ctx, binary, "fmt", "--diff", "--check", "example.hcl")
	format.Dir = dir
	if out, err := format.CombinedOutput(); err != nil {
		t.Errorf("the example is not formatted: %v\n%s", err, out)
	}
	if clients.MatchString(example) {
		return // its server is elsewhere
	}

	example = strings.NewReplacer("127.0.0.1:4242", "127.0.0.1:0", "127.0.0.1:8686", "127.0.0.1:0").Replace(example) // these ports may be taken
	if err := os.WriteFile(filepath.Join(dir, "example.hcl"), []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := process.Start(ctx, process.Options{Dir: dir}, binary, "server", "run", "--log-format", "json", "example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if goesOn.MatchString(example) {
		up := func(log string) bool { return strings.Contains(log, `"running"`) }
		if err := p.Stderr.Wait(ctx, up); err != nil {
			t.Fatalf("it does not start: %v\n%s", err, p.Stderr)
		}
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	want := "0"
	if m := endsWith.FindStringSubmatch(example); m != nil {
		want = m[1]
	}
	if code, err := p.Wait(ctx); err != nil || strconv.Itoa(code) != want {
		t.Errorf("it ends with exit code %d, not %s: %v\n%s", code, want, err, p.Stderr)
	}
}
