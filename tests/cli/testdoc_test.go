package cli

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/tests/process"
)

var (
	snippet = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")
	varies  = regexp.MustCompile(`\d+\.\d\ds|(kept: |cpu_per_event ).*`)
)

// TestTestPage writes the files that the page about testing shows, and runs its
// commands between them.
func TestTestPage(t *testing.T) {
	binary := built(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "echo")
	scratch := t.TempDir()
	commands := 0
	run := func(command string) string {
		opts := process.Options{Dir: dir, Env: []string{"TMPDIR=" + scratch, "GITHUB_ACTIONS="}}
		p, err := process.Start(ctx, opts, "sh", "-c", strings.Replace(command, "flowrun", binary, 1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Kill)
		if _, err := p.Wait(ctx); err != nil || p.Stderr.String() != "" {
			t.Errorf("%s: %v: %s", command, err, p.Stderr)
		}
		return p.Stdout.String()
	}
	var printed string
	for _, m := range snippet.FindAllStringSubmatch(read(t, "../README.md"), -1) {
		kind, name, text := m[1], m[2], m[3]
		switch {
		case name != "":
			name = filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			if kind == "hcl" {
				if out := run("flowrun fmt --check " + name); out != "" {
					t.Errorf("%s is not formatted", m[2])
				}
			}
		case kind == "sh":
			commands++
			printed = run(strings.TrimSpace(text))
		case kind == "output":
			if diff := cmp.Diff(steady(text), steady(printed)); diff != "" {
				t.Errorf("a command prints something else than the page shows (-page +printed):\n%s", diff)
			}
		default:
			t.Errorf("nobody runs this:\n%s", text)
		}
	}
	if commands < 4 {
		t.Errorf("only %d commands were run", commands)
	}
	out := run("flowrun test all")
	if !strings.Contains(out, "FAIL wrong/") || !strings.Contains(out, ", 1 failed, ") {
		t.Errorf("more or less than the one test of the page that should fail does:\n%s", out)
	}
}

// steady leaves out of an output what differs from run to run: times, figures, names of
// scratch folders, and the order of cases.
func steady(out string) []string {
	lines := strings.Split(varies.ReplaceAllString(out, "$1"), "\n")
	slices.Sort(lines)
	return lines
}
