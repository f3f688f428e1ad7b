//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flow"
)

// TestMain makes the test binary a warden, too, since that is what is started.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], WardenArgs) {
		Ward(os.Stdin)
		return
	}
	goleak.VerifyTestMain(m)
}

// newWarden returns one that ends with the test.
func newWarden(t *testing.T) *Warden {
	t.Helper()
	myself, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &Warden{Binary: myself}
	t.Cleanup(w.Close)
	return w
}

func shell(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start(&testfile.Program{Command: []string{"sh", "-c", script}}, "run", t.TempDir(), newWarden(t), nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// printed waits for what a process prints, and returns it.
func printed(t *testing.T, p *Process, enough string) string {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		text, news := p.Stdout.Now()
		if strings.Contains(string(text), enough) {
			return string(text)
		}
		select {
		case <-news:
		case <-late:
			t.Fatalf("%q has not come: %q", enough, text)
		}
	}
}

// gone waits until no process has this number, or one that has ended and that
// its new parent has not looked after yet.
func gone(t *testing.T, pid int) {
	t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	late := time.After(30 * time.Second)
	for !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("process %d is still there", pid)
		}
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNothingIsLeft starts processes that start others, which outlive them, and
// ignore SIGTERM.
func TestNothingIsLeft(t *testing.T) {
	ends := shell(t, `(trap '' TERM; exec sleep 600) & echo $!; exit 5`)
	<-ends.Ended()
	if code, signal := ends.Code(); code != 5 || signal != "" {
		t.Errorf("code %d, %s", code, signal)
	}
	gone(t, number(t, string(ends.Stdout.Bytes())))

	stays := shell(t, `trap '' TERM; sleep 600 & echo $!; while true; do sleep 600; done`)
	child := number(t, printed(t, stays, "\n"))
	stays.Stop(t.Context(), time.Millisecond)
	if _, signal := stays.Code(); signal != "SIGKILL" || !stays.Forced() || stays.Account().Ending != "was killed by the runner" {
		t.Errorf("it was ended by %s, %+v", signal, stays.Account())
	}
	gone(t, child)
	stays.Signal(killSignal) // nobody is hit
	stays.Stop(t.Context(), time.Hour)
}

func TestStopIsGentle(t *testing.T) {
	p := shell(t, `trap 'echo bye; exit 3' TERM; echo up; while true; do sleep 0.01; done`)
	printed(t, p, "up")
	p.Stop(t.Context(), time.Hour)
	if code, _ := p.Code(); code != 3 || p.Forced() || string(p.Stdout.Bytes()) != "up\nbye\n" {
		t.Errorf("%+v, %q", p.Account(), p.Stdout.Bytes())
	}

	hard, now := context.WithCancel(t.Context())
	now()
	p = shell(t, `trap '' TERM; echo up; while true; do sleep 0.01; done`)
	printed(t, p, "up")
	p.Stop(hard, time.Hour)
	if !p.Forced() {
		t.Error("it was not killed when time was up")
	}
}

func TestOutputIsBounded(t *testing.T) {
	p := shell(t, `i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i+1)); done`)
	<-p.Ended()
	if len(p.Stdout.Bytes()) != 1000 || !p.Stdout.Overflowed() || p.Stderr.Overflowed() {
		t.Errorf("%d bytes", len(p.Stdout.Bytes()))
	}
	if tail := p.Stdout.tail(); strings.Count(tail, "\n") != tailLines || !strings.HasPrefix(tail, "…\n") {
		t.Errorf("the tail is %q", tail)
	}
}

func TestCommands(t *testing.T) {
	vars := map[string]flow.Value{"b": flow.ListOf([]flow.Value{flow.IntOf(1)}), "a": flow.TextOf("x y")}
	for want, p := range map[string]*testfile.Program{
		"/bin/fr server run f.hcl --var a=x y --var b=[1] -v": {Flow: "f.hcl", Vars: vars, Args: []string{"-v"}},
		"/bin/fr validate": {Command: []string{"flowrun", "validate"}},
		"/dir/a/b.sh x":    {Command: []string{"./a/b.sh", "x"}},
		"/a/b.sh":          {Command: []string{"/a/b.sh"}},
		"sh":               {Command: []string{"sh"}},
	} {
		if got, err := commandOf(p, "/dir", "/bin/fr"); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q, %v, expected %q", got, err, want)
		}
	}
	if _, err := Start(&testfile.Program{Command: []string{"./not there"}}, "run", t.TempDir(), newWarden(t), nil, 1); err == nil || !strings.HasSuffix(err.Error(), "not there: no such file or directory") {
		t.Error(err)
	}
}
