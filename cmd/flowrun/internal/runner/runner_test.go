//go:build unix

package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
func newWarden(t *testing.T) *warden {
	t.Helper()
	myself, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &warden{binary: myself}
	t.Cleanup(w.close)
	return w
}

func write(t *testing.T, name, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func TestScratch(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	outside, from := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "shared/a.txt"), "outside", 0o644)
	write(t, filepath.Join(from, "run.sh"), "script", 0o755)
	write(t, filepath.Join(from, "deep/er/b.txt"), "deep", 0o400)
	for name, target := range map[string]string{
		"within": "deep/er/b.txt", "folder": "deep", "leaves": filepath.Join(outside, "shared"),
		"file": filepath.Join(outside, "shared/a.txt"), "nowhere": "not there",
	} {
		if err := os.Symlink(target, filepath.Join(from, name)); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := scratch(from, "a name/../with \x00 all", 1<<20, 100)
	if err != nil {
		t.Fatal(err)
	}
	if base := filepath.Base(dir); !strings.HasPrefix(base, "flowrun-test-a_name____with") {
		t.Errorf("the folder is %s", base)
	}
	for name, want := range map[string]string{
		"run.sh": "script", "deep/er/b.txt": "deep", "within": "deep", "folder/er/b.txt": "deep", "leaves/a.txt": "outside", "file": "outside",
	} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if target, err := os.Readlink(filepath.Join(dir, "within")); target != "deep/er/b.txt" {
		t.Errorf("within leads to %q, %v", target, err)
	}
	for _, name := range []string{"leaves", "file"} { // nothing in it leads out
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || info.Mode()&fs.ModeSymlink != 0 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "run.sh")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("run.sh: %v, %v", info, err)
	}
	if err := os.Chmod(filepath.Join(dir, "deep"), 0o500); err != nil {
		t.Fatal(err)
	}
	removeAll(dir)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestScratchIsBounded(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	large, round := t.TempDir(), t.TempDir()
	write(t, filepath.Join(large, "a"), strings.Repeat("x", 600), 0o644)
	write(t, filepath.Join(large, "b"), strings.Repeat("x", 600), 0o644)
	if err := os.Symlink(round, filepath.Join(round, "again")); err != nil { // absolute: it is copied, and copied, and
		t.Fatal(err)
	}
	if _, err := scratch(large, "x", 1<<20, 1); err == nil || !strings.Contains(err.Error(), "max_files of the test") {
		t.Error(err)
	}
	for dir, want := range map[string]string{large: "larger than 1000B; max_folder of the test", round: "folders are in each other"} {
		if _, err := scratch(dir, "x", 1000, 100); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func shell(t *testing.T, script string) *process {
	t.Helper()
	p, err := start(&testfile.Program{Command: []string{"sh", "-c", script}}, "run", t.TempDir(), newWarden(t), nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// printed waits for what a process prints, and returns it.
func printed(t *testing.T, p *process, enough string) string {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		text, news := p.stdout.now()
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
	<-ends.ended
	if code, signal := ends.code(); code != 5 || signal != "" {
		t.Errorf("code %d, %s", code, signal)
	}
	gone(t, number(t, string(ends.stdout.bytes())))

	stays := shell(t, `trap '' TERM; sleep 600 & echo $!; while true; do sleep 600; done`)
	child := number(t, printed(t, stays, "\n"))
	stays.stop(t.Context(), time.Millisecond)
	if _, signal := stays.code(); signal != "SIGKILL" || !stays.forced || stays.output().Ending != "was killed by the runner" {
		t.Errorf("it was ended by %s, %+v", signal, stays.output())
	}
	gone(t, child)
	stays.signal(killSignal) // nobody is hit
	stays.stop(t.Context(), time.Hour)
}

func TestStopIsGentle(t *testing.T) {
	p := shell(t, `trap 'echo bye; exit 3' TERM; echo up; while true; do sleep 0.01; done`)
	printed(t, p, "up")
	p.stop(t.Context(), time.Hour)
	if code, _ := p.code(); code != 3 || p.forced || string(p.stdout.bytes()) != "up\nbye\n" {
		t.Errorf("%+v, %q", p.output(), p.stdout.bytes())
	}

	hard, now := context.WithCancel(t.Context())
	now()
	p = shell(t, `trap '' TERM; echo up; while true; do sleep 0.01; done`)
	printed(t, p, "up")
	p.stop(hard, time.Hour)
	if !p.forced {
		t.Error("it was not killed when time was up")
	}
}

func TestOutputIsBounded(t *testing.T) {
	p := shell(t, `i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i+1)); done`)
	<-p.ended
	if len(p.stdout.bytes()) != 1000 || !p.stdout.overflowed() || p.stderr.overflowed() {
		t.Errorf("%d bytes", len(p.stdout.bytes()))
	}
	if tail := p.stdout.tail(); strings.Count(tail, "\n") != tailLines || !strings.HasPrefix(tail, "…\n") {
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
	if _, err := start(&testfile.Program{Command: []string{"./not there"}}, "run", t.TempDir(), newWarden(t), nil, 1); err == nil || !strings.HasSuffix(err.Error(), "not there: no such file or directory") {
		t.Error(err)
	}
}
