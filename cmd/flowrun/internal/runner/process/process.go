// Package process runs the programs of tests: each in a process group of its own, so
// that what it starts ends with it, also when the runner is killed.
//
//	process  starting, signals and the end; unix, reap and foreign, by system
//	output   what a process prints, up to a limit
//	ready    when it can be used
//	warden   who ends everything if the runner cannot
package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// pipeGrace is how long what a process has left behind may hold its outputs.
const pipeGrace = 10 * time.Second

// Process is a program that a test has started, with a process group of its own. Its
// methods may be called from any goroutine.
type Process struct {
	Title  string // as reports call it: `before "server"`
	At     flow.Place
	IsFlow bool

	Stdout, Stderr *Output
	cmd            *exec.Cmd
	warden         *Warden
	ended          chan struct{}

	mu     sync.Mutex
	reaped bool // its number may be somebody else's

	told   atomic.Bool
	forced atomic.Bool
}

// Start starts a program in the folder dir. What the process starts belongs to
// its group, which is killed when it has ended.
func Start(p *testfile.Program, title, dir string, w *Warden, env map[string]string, limit int) (*Process, error) {
	args, err := commandOf(p, dir, w.Binary)
	if err != nil {
		return nil, err
	}
	x := &Process{
		Title: title, At: p.At, IsFlow: p.Flow != "",
		Stdout: newOutput(limit), Stderr: newOutput(limit), ended: make(chan struct{}),
		warden: w,
	}
	x.cmd = exec.Command(args[0], args[1:]...) //nolint:noctx // it is told to end first, and then its whole group is killed
	x.cmd.Dir, x.cmd.Stdout, x.cmd.Stderr, x.cmd.WaitDelay = dir, x.Stdout, x.Stderr, pipeGrace
	x.cmd.Env = Environment(dir, w.Binary, env, p.Env)
	if p.Stdin != "" {
		x.cmd.Stdin = strings.NewReader(p.Stdin)
	}
	ownGroup(x.cmd)
	dieWithRunner(x.cmd)
	ports.Forking.Lock()
	err = x.cmd.Start()
	ports.Forking.Unlock()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], PlainCause(err))
	}
	err = w.watch(x.cmd.Process.Pid)
	if err != nil {
		x.Signal(killSignal)
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
	for _, name := range slices.Sorted(maps.Keys(p.Vars)) {
		text, err := Spell(p.Vars[name])
		if err != nil {
			return nil, fmt.Errorf("the variable %s: %w", name, err)
		}
		args = append(args, "--var", name+"="+text)
	}
	return append(args, p.Args...), nil
}

// Spell spells the value of a variable as --var takes it.
func Spell(v flow.Value) (string, error) {
	if v.Kind() == flow.Text {
		return v.Text(), nil
	}
	text, err := (jsontext.Style{Compact: true}).Append(nil, v)
	return string(text), err
}

// Environment is that of the runner without variables for flows, which would
// make a test depend on who runs it.
func Environment(dir, binary string, layers ...map[string]string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "FLOWRUN_VAR_") || strings.HasPrefix(s, "PWD=")
	})
	env = append(env, "PWD="+dir, "FLOWRUN_BINARY="+binary)
	for _, layer := range layers {
		for _, name := range slices.Sorted(maps.Keys(layer)) {
			env = append(env, name+"="+layer[name])
		}
	}
	return env
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed when the process has ended and all it printed is read.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Told reports whether the process was asked to end, by Stop or Interrupt.
func (p *Process) Told() bool { return p.told.Load() }

// Forced reports whether Stop had to kill the process.
func (p *Process) Forced() bool { return p.forced.Load() }

// Done reports whether the process has ended.
func (p *Process) Done() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Signal signals the group of the process, unless it has ended.
func (p *Process) Signal(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = signalGroup(p.cmd.Process.Pid, s) // it may be ending just now
	}
}

// Interrupt signals the process, which may end of it.
func (p *Process) Interrupt(s os.Signal) {
	p.told.Store(true)
	p.Signal(s)
}

// Stop ends the process: SIGTERM to its group, SIGKILL after the grace or when
// hard ends.
func (p *Process) Stop(hard context.Context, grace time.Duration) {
	if p.Done() {
		return
	}
	p.told.Store(true)
	p.Signal(termSignal)
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-p.ended:
		return
	case <-patience.C:
	case <-hard.Done():
	}
	p.forced.Store(true)
	p.Signal(killSignal)
	<-p.ended
}

// Code is the exit code of a process that has ended, or the name of the signal
// that has ended it.
func (p *Process) Code() (code int, signal string) { return codeOf(p.cmd.ProcessState) }

// EndedAs reports whether a process that has ended did so as wanted.
func (p *Process) EndedAs(want *testfile.Outcome) bool {
	code, signal := p.Code()
	return signal == want.Signal && (signal != "" || code == want.ExitCode.N)
}

// Ending says how a process that has ended did so.
func (p *Process) Ending() string {
	code, signal := p.Code()
	if signal != "" {
		return "was ended by " + signal
	}
	return fmt.Sprintf("ended with exit code %d", code)
}

// Account is what the process has printed last, and how it has ended.
func (p *Process) Account() Account {
	ending := p.Ending()
	switch {
	case p.Forced():
		ending = "was killed by the runner"
	case p.Told():
		ending += ", told by the runner to end"
	}
	return Account{Process: p.Title, Ending: ending, Stdout: p.Stdout.tail(), Stderr: p.Stderr.tail()}
}

// Account is what one process has printed last.
type Account struct {
	Process string // `before "server"`
	Ending  string // "ended with exit code 0"
	Stdout  string
	Stderr  string
}

// PlainCause drops what an error of os/exec says twice.
func PlainCause(err error) error {
	if e := (*exec.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
