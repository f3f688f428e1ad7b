package process

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/ports"
)

// Warden is a process that ends what the runner has started when the runner
// itself has been killed and cannot any more. It is told by a pipe which process
// groups there are, and kills those that are left when the pipe ends.
type Warden struct {
	Binary string // flowrun

	mu   sync.Mutex
	cmd  *exec.Cmd // nil as long as nothing has been started
	pipe io.WriteCloser
}

// WardenArgs are the arguments with which flowrun becomes a warden.
var WardenArgs = []string{"test", "warden"}

// Ward is the life of a warden whose pipe is given.
func Ward(pipe io.Reader) {
	groups := map[int]bool{}
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		switch {
		case err != nil:
		case n > 1:
			groups[n] = true
		case n < -1:
			delete(groups, -n)
		}
	}
	for group := range groups {
		_ = signalGroup(group, killSignal) // there may be nobody left
	}
}

// watch makes the warden responsible for a process group.
func (w *Warden) watch(group int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cmd == nil {
		if err := w.start(); err != nil {
			return fmt.Errorf("start %s as a warden of what is started: %w", w.Binary, PlainCause(err))
		}
	}
	_, err := fmt.Fprintln(w.pipe, group)
	return err
}

// start starts the process, which no signal of a terminal reaches. The caller
// holds mu.
func (w *Warden) start() (err error) {
	cmd := exec.Command(w.Binary, WardenArgs...) //nolint:noctx // it ends with its pipe
	ownGroup(cmd)
	if w.pipe, err = cmd.StdinPipe(); err != nil {
		return err
	}
	ports.Forking.Lock()
	defer ports.Forking.Unlock()
	if err = cmd.Start(); err == nil {
		w.cmd = cmd
	}
	return err
}

// forget is called for a group of which nobody is left, before its number can
// be given to another.
func (w *Warden) forget(group int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = fmt.Fprintln(w.pipe, -group) // a warden that has ended watches nobody
}

// Close ends the warden.
func (w *Warden) Close() {
	if w.cmd != nil {
		_ = w.pipe.Close()
		_ = w.cmd.Wait() // whatever became of it
	}
}
