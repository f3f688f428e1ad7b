// Package process runs the flowrun binary from outside, as its users do: it
// builds it, starts it, reads what it prints, signals it, and asks the system
// what it costs.
//
// Every child is killed when its context ends and, on Linux, when the process
// that started it dies; nothing is ever killed by name.
package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime/usage"
)

// Build compiles the flowrun command into dir and returns the path of the
// binary. When the environment variable FLOWRUN_BINARY names one (built with
// the race detector, say), that one is returned instead.
func Build(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("FLOWRUN_BINARY"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "flowrun")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/flowrun/flowrun/cmd/flowrun")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build flowrun: %w\n%s", err, out)
	}
	return path, nil
}

// DependOnSources makes the result of the test that calls it depend on the
// binary's sources, which lie below root: the cache of `go test` knows which
// files a test has asked for while it ran, not what TestMain and children
// build.
func DependOnSources(root string) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != root:
			return fs.SkipDir
		case d.Type().IsRegular():
			_, err = os.Stat(name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // somebody's scratch file
		}
		return err
	})
}

// Options say how a process is started.
type Options struct {
	Dir string   // the working directory; empty for the caller's
	Env []string // added to the caller's environment
	CPU int      // pins the process to CPU number CPU-1; 0 leaves it to the system
}

// Process is a running child. Its methods may be called from any goroutine.
type Process struct {
	Stdout, Stderr *Output

	cmd  *exec.Cmd
	done chan struct{}
}

// Start runs a program. The end of ctx kills it.
func Start(ctx context.Context, opts Options, path string, args ...string) (*Process, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = opts.Dir
	cmd.Env = append(os.Environ(), opts.Env...)
	cmd.WaitDelay = 10 * time.Second // a grandchild that holds the pipes does not hold us
	dieWithParent(cmd)
	p := &Process{Stdout: newOutput(), Stderr: newOutput(), cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.Stdout, p.Stderr
	if err := pinned(opts.CPU, cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	go func() {
		_ = cmd.Wait() // Code says how it ended
		p.Stdout.end()
		p.Stderr.end()
		close(p.done)
	}()
	return p, nil
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended and all it printed has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end of the process and returns its exit code, or -1 when
// a signal ended it.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for the end of process %d: %w", p.PID(), ctx.Err())
	}
}

// Signal sends a signal to the process; one that has ended already is no
// error.
func (p *Process) Signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d: %w", p.PID(), err)
	}
	return nil
}

// Rests waits until the process has nothing to do: in several looks, one after the
// other, all its threads slept, and hardly used a processor between them. That it
// uses none is not enough, for on a busy machine it may be waiting for its turn.
// It is an error that wraps errors.ErrUnsupported where the system does not tell.
func (p *Process) Rests(ctx context.Context) error {
	const (
		looks = 3
		apart = 20 * time.Millisecond
		idle  = 2 * time.Millisecond // of work between two looks: that of timers
	)
	var before time.Duration
	for quiet := -1; quiet < looks; {
		now, err := usage.CPU(p.PID())
		if err != nil {
			return err
		}
		sleeps, err := asleep(p.PID())
		if err != nil {
			return err
		}
		if quiet++; !sleeps || now-before >= idle {
			quiet = 0
		}
		before = now
		select {
		case <-time.After(apart):
		case <-ctx.Done():
			return fmt.Errorf("wait until process %d rests: %w", p.PID(), ctx.Err())
		}
	}
	return nil
}

// Kill ends the process at once and waits until it is gone.
func (p *Process) Kill() {
	_ = p.Signal(os.Kill)
	<-p.done
}

// listening is the line that a server prints for each of its listeners.
var listening = regexp.MustCompile(`(\S+) listens on (?:(\w+)://)?([0-9.]+|localhost|\[[0-9a-f:]+\]):(\d+)`)

// Listening waits until the server says where connector listens (its whole
// reference or just its name) and returns the "host:port".
func (p *Process) Listening(ctx context.Context, connector string) (string, error) {
	var addr string
	err := p.Stderr.Wait(ctx, func(text string) bool {
		for _, m := range listening.FindAllStringSubmatch(text, -1) {
			if m[1] == connector || strings.HasSuffix(m[1], "."+connector) {
				addr = m[3] + ":" + m[4]
				return true
			}
		}
		return false
	})
	if err != nil {
		return "", fmt.Errorf("wait for the listener of %s: %w; the process printed:\n%s", connector, err, p.Stderr)
	}
	return addr, nil
}
