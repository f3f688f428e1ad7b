package peer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/flowrun/flowrun/tests/process"
)

// TestFlowrun plays scripts against flowrun itself: many clients, good and bad
// ones, with its server; a fickle server with its client.
func TestFlowrun(t *testing.T) {
	folder, err := filepath.Abs("testdata/flowrun")
	if err != nil {
		t.Fatal(err)
	}
	if err := process.DependOnSources("../../../.."); err != nil {
		t.Fatal(err)
	}
	binary, err := process.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	scripts := func(name, addr string) []*Script {
		text, err := os.ReadFile(filepath.Join(folder, name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		all, problems := load(t, name, strings.ReplaceAll(string(text), "SERVER", addr))
		if problems != "" {
			t.Fatal(problems)
		}
		return all
	}
	start := func(name, url string) *process.Process {
		p, err := process.Start(ctx, process.Options{}, binary, "server", "run", "--var", "url="+url, filepath.Join(folder, name+".hcl"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	end := func(p *process.Process) {
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if code, err := p.Wait(ctx); err != nil || code != 0 {
			t.Errorf("flowrun ends with %d, %v", code, err)
		}
	}

	server := start("server", "127.0.0.1:0")
	addr, err := server.Listening(ctx, "edge")
	if err != nil {
		t.Fatal(err)
	}
	if report := runAll(t, scripts("server", strings.TrimPrefix(addr, "ws://"))); report != "" {
		t.Error(report)
	}
	end(server)

	at, report := listening(ctx, scripts("client", "127.0.0.1:0")[0])
	client := start("client", "ws://"+at+"/x")
	if r := report(); !r.OK() {
		t.Error(r)
	}
	end(client)
}
