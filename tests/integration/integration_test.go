// Package integration holds folders of real flows that run against each other
// and against scripted peers: the specification of flowrun by examples, one
// folder a behaviour. `flowrun test integration tests/integration` runs them;
// the test here does so for `go test`.
package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/process"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "flowrun-integration-")
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

// passing is the line of a case that has passed: what has failed shall be found
// among two hundred.
var passing = regexp.MustCompile(`(?m)^pass .*\n`)

// patience ends what would hang.
const patience = 9 * time.Minute

func TestSuite(t *testing.T) {
	if err := process.DependOnSources("../.."); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p, err := process.Start(ctx, process.Options{Env: []string{"GITHUB_ACTIONS="}}, binary, "test", "all", "--patience", "6", ".")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	code, err := p.Wait(ctx)
	out := p.Stdout.String()
	if code != 0 || err != nil {
		t.Errorf("flowrun test ended with exit code %d, %v:\n%s%s", code, err, passing.ReplaceAllString(out, ""), p.Stderr)
	}
	// Each folder is a test, and none is left out.
	entries, err := filepath.Glob("*/*.test.hcl")
	if err != nil || len(entries) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	for _, name := range entries {
		if folder := filepath.Dir(name); !strings.Contains(out, " "+folder+"/") {
			t.Errorf("no case of %s was run", folder)
		}
	}
}
