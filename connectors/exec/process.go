package exec

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"runtime"
	"sync"
	"syscall"

	"go.uber.org/zap"
)

// longestLine is how many bytes of a line the log shows.
const longestLine = 4 << 10

// process is one life of the program.
type process struct {
	cmd    *osexec.Cmd
	stdin  *os.File // nil where it has none
	stdout *output  // nil where it goes to the log
	said   *output  // what goes to the log
	exited chan struct{}
	err    error // why it ended, when exited is closed; nil for exit code 0
	told   sync.WaitGroup
}

// start starts the program.
func (c *program) start(log *zap.Logger) (*process, error) {
	p := &process{exited: make(chan struct{})}
	p.cmd = &osexec.Cmd{Path: c.path, Args: c.cfg.Command, Dir: string(c.cfg.Dir), Env: c.cfg.environment(), SysProcAttr: attributes()}
	var theirs []*os.File // ends of pipes that are the program's
	defer func() {
		for _, f := range theirs {
			_ = f.Close() // the program has its own
		}
	}()
	var err error // the first; the process has its own
	pipe := func() (r, w *os.File) {
		r, w, failed := os.Pipe()
		if failed != nil && err == nil {
			err = failed
		}
		return r, w
	}
	if c.cfg.Mode != source {
		r, w := pipe()
		p.cmd.Stdin, p.stdin, theirs = r, w, append(theirs, r)
	}
	said, says := pipe()
	p.said = &output{File: said}
	p.cmd.Stderr, theirs = says, append(theirs, says)
	p.cmd.Stdout = says
	if c.cfg.Mode != sink {
		r, w := pipe()
		p.cmd.Stdout, p.stdout, theirs = w, &output{File: r}, append(theirs, w)
	}
	if err == nil {
		err = p.launch()
	}
	if err != nil {
		p.close()
		_ = p.said.Close() // nothing came
		return nil, fmt.Errorf("run %s: %w", c.path, cause(err))
	}
	p.told.Go(func() { tell(p.said, log) })
	return p, nil
}

// launch starts the program in a goroutine that keeps its thread: Linux kills the
// program when the thread ends that has started it.
func (p *process) launch() error {
	launched := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		launched <- err
		if err == nil {
			p.await()
		}
	}()
	return <-launched
}

// await waits for the end of the program, and ends what it has left running.
func (p *process) await() {
	err := p.cmd.Wait()
	if e := (*osexec.ExitError)(nil); errors.As(err, &e) {
		err = fmt.Errorf("the program has ended with %v", e.ProcessState)
	}
	p.err = err
	p.signal(syscall.SIGKILL)
	if p.stdout != nil {
		p.stdout.end()
	}
	p.said.end()
	close(p.exited)
}

// signal sends a signal to the program and all that it has started, unless it has
// ended: its number may be another's then.
func (p *process) signal(s syscall.Signal) {
	if !p.hasExited() {
		_ = syscall.Kill(-p.cmd.Process.Pid, s) // there may be none any more
	}
}

// hasExited reports whether the program has ended.
func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// close gives back our ends of the pipes.
func (p *process) close() {
	if p.stdin != nil {
		_ = p.stdin.Close() // what could be lost by it was told
	}
	if p.stdout != nil {
		_ = p.stdout.Close()
	}
}

// tell passes what the program says on to the log, until nobody can say anything any
// more.
func tell(said *output, log *zap.Logger) {
	defer func() { _ = said.Close() }() // it was only read
	in := bufio.NewReaderSize(said, longestLine)
	for cut := false; ; {
		line, err := in.ReadSlice('\n')
		if text := bytes.TrimRight(line, "\r\n"); len(text) > 0 && !cut {
			log.Info("the program says", zap.String("line", string(text)))
		}
		cut = errors.Is(err, bufio.ErrBufferFull) // the rest of the line is passed over
		if err != nil && !cut {
			return
		}
	}
}
