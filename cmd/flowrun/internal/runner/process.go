package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/ports"
	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

const (
	// grace is how long a process may take to end after SIGTERM: longer than a
	// flow may drain.
	grace = 12 * time.Second
	// shortGrace is that of a process of a test that has failed already.
	shortGrace = 3 * time.Second
	// pipeGrace is how long what a process has left behind may hold its outputs.
	pipeGrace = 2 * time.Second
)

// process is a program that a test has started, with a process group of its own.
type process struct {
	title  string // as reports call it: `before "server"`
	at     flow.Place
	isFlow bool

	stdout, stderr *output
	cmd            *exec.Cmd
	warden         *warden
	ended          chan struct{} // closed when it has ended and all it printed is read

	mu     sync.Mutex
	reaped bool // its number may be somebody else's

	told   atomic.Bool // it was asked to end, by stop or an interrupt
	forced bool        // it had to be killed
	blamed bool        // how it has ended has been told
}

// start starts a program in the folder dir. What the process starts belongs to
// its group, which is killed when it has ended.
func start(p *testfile.Program, title, dir string, w *warden, env map[string]string, limit int) (*process, error) {
	args, err := commandOf(p, dir, w.binary)
	if err != nil {
		return nil, err
	}
	x := &process{
		title: title, at: p.At, isFlow: p.Flow != "",
		stdout: newOutput(limit), stderr: newOutput(limit), ended: make(chan struct{}),
		warden: w,
	}
	x.cmd = exec.Command(args[0], args[1:]...) //nolint:noctx // it is told to end first, and then its whole group is killed
	x.cmd.Dir, x.cmd.Stdout, x.cmd.Stderr, x.cmd.WaitDelay = dir, x.stdout, x.stderr, pipeGrace
	x.cmd.Env = environment(dir, w.binary, env, p.Env)
	if p.Stdin != "" {
		x.cmd.Stdin = strings.NewReader(p.Stdin)
	}
	ownGroup(x.cmd)
	dieWithRunner(x.cmd)
	ports.Forking.Lock()
	err = x.cmd.Start()
	ports.Forking.Unlock()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], plainCause(err))
	}
	err = w.watch(x.cmd.Process.Pid)
	if err != nil {
		x.signal(killSignal)
	}
	go func() {
		x.reap()
		close(x.ended)
	}()
	return x, err
}

// commandOf spells the command of a program.
func commandOf(p *testfile.Program, dir, binary string) ([]string, error) {
	if p.Flow == "" {
		args := slices.Clone(p.Command)
		switch name := args[0]; {
		case name == "flowrun":
			args[0] = binary
		case strings.ContainsRune(name, '/') && !filepath.IsAbs(name):
			args[0] = filepath.Join(dir, filepath.FromSlash(name))
		}
		return args, nil
	}
	args := []string{binary, "server", "run", p.Flow}
	for _, name := range sortedKeys(p.Vars) {
		text, err := spell(p.Vars[name])
		if err != nil {
			return nil, fmt.Errorf("the variable %s: %w", name, err)
		}
		args = append(args, "--var", name+"="+text)
	}
	return append(args, p.Args...), nil
}

// spell spells the value of a variable as --var takes it.
func spell(v flow.Value) (string, error) {
	if v.Kind() == flow.Text {
		return v.Text(), nil
	}
	text, err := (jsontext.Style{Compact: true}).Append(nil, v)
	return string(text), err
}

// environment is that of the runner without variables for flows, which would
// make a test depend on who runs it.
func environment(dir, binary string, layers ...map[string]string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "FLOWRUN_VAR_") || strings.HasPrefix(s, "PWD=")
	})
	env = append(env, "PWD="+dir, "FLOWRUN_BINARY="+binary)
	for _, layer := range layers {
		for _, name := range sortedKeys(layer) {
			env = append(env, name+"="+layer[name])
		}
	}
	return env
}

// done reports whether the process has ended.
func (p *process) done() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// signal signals the group of the process, unless it has ended.
func (p *process) signal(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = signalGroup(p.cmd.Process.Pid, s) // it may be ending just now
	}
}

// stop ends the process: SIGTERM to its group, SIGKILL after the grace or when
// hard ends.
func (p *process) stop(hard context.Context, grace time.Duration) {
	if p.done() {
		return
	}
	p.told.Store(true)
	p.signal(termSignal)
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-p.ended:
		return
	case <-patience.C:
	case <-hard.Done():
	}
	p.forced = true
	p.signal(killSignal)
	<-p.ended
}

// code is the exit code of a process that has ended, or the name of the signal
// that has ended it.
func (p *process) code() (code int, signal string) { return codeOf(p.cmd.ProcessState) }

// endedAs reports whether a process that has ended did so as wanted.
func (p *process) endedAs(want *testfile.Outcome) bool {
	code, signal := p.code()
	return signal == want.Signal && (signal != "" || code == want.ExitCode.N)
}

// ending says how a process that has ended did so.
func (p *process) ending() string {
	code, signal := p.code()
	if signal != "" {
		return "was ended by " + signal
	}
	return fmt.Sprintf("ended with exit code %d", code)
}

// output is what the process has printed last, and how it has ended.
func (p *process) output() Output {
	ending := p.ending()
	switch {
	case p.forced:
		ending = "was killed by the runner"
	case p.told.Load():
		ending += ", told by the runner to end"
	}
	return Output{Process: p.title, Ending: ending, Stdout: p.stdout.tail(), Stderr: p.stderr.tail()}
}

// plainCause drops what an error of os/exec says twice.
func plainCause(err error) error {
	if e := (*exec.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
