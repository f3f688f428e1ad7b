package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/signals"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/certificate"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/process"
	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flow"
)

// trial is one run of one test.
type trial struct {
	*runner
	c   *testfile.Case
	t   *testfile.Test
	res *Result
	dir string // the scratch folder

	before  []*process.Process // those of t.Before that have been started
	run     *process.Process
	signals *signals.Board
	blamed  *process.Process // how it has ended has been told
}

const (
	// grace is how long a process may take to end after SIGTERM: longer than a
	// flow may drain.
	grace = 30 * time.Second
	// shortGrace is that of a process of a test that has failed already.
	shortGrace = 10 * time.Second
)

// The causes for which the play of a test is broken off.
var (
	errTimeout = errors.New("the time is up")
	errDied    = errors.New("a process has ended that was needed") // which one is told by its ending
)

// test runs a test, and tells in res what came of it.
func (r *runner) test(ctx context.Context, c *testfile.Case, res *Result) {
	draft, _ := c.Test(testfile.Binding{Dir: c.File.Dir}) // it has been checked
	dir, err := scratch(c.File.Dir, c.Name, draft.MaxFolder, draft.MaxFiles)
	if err != nil {
		res.fail(c.At, err.Error(), "")
		return
	}
	lease := r.ports.Leases()
	defer lease.Release()
	t, report := c.Test(testfile.Binding{Dir: dir, Port: lease.Take})
	if report.HasErrors() {
		res.fail(c.At, "the test cannot be run as it is written", report.Text(false))
		removeAll(dir)
		return
	}
	x := &trial{runner: r, c: c, t: t, res: res, dir: dir, signals: signals.New()}
	err = x.play(ctx)
	x.stop(err)
	x.endings(err)
	if err != nil && res.Passed() { // nobody was to blame
		res.fail(c.At, err.Error(), "")
	}
	if x.res.Passed() {
		x.expectations()
	}
	x.after()
	if res.Passed() {
		removeAll(dir)
		return
	}
	res.Scratch = dir
	for _, p := range x.processes() {
		res.Outputs = append(res.Outputs, p.Account())
	}
}

// processes are all that have been started.
func (x *trial) processes() []*process.Process {
	all := append([]*process.Process{}, x.before...)
	if x.run != nil {
		all = append(all, x.run)
	}
	return all
}

func (x *trial) start(p *testfile.Program, title string) (*process.Process, error) {
	return process.Start(p, title, x.dir, x.warden, x.t.Env, int(x.t.MaxOutput))
}

// play starts everything and waits for the end. What goes wrong is told; the
// error is for what follows from it.
func (x *trial) play(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, stop := context.WithTimeoutCause(ctx, time.Duration(x.t.Timeout), errTimeout)
	defer stop()
	for _, k := range x.t.Certificates {
		if err := certificate.Write(x.dir, k.Name, k.Hosts); err != nil {
			x.res.fail(k.At, err.Error(), "")
			return err
		}
	}
	for _, b := range x.t.Before {
		title := fmt.Sprintf("before %q", b.Name)
		p, err := x.start(&b.Program, title)
		if err != nil {
			x.res.fail(b.At, fmt.Sprintf("%s: %v", title, err), "")
			return errDied
		}
		x.before = append(x.before, p)
		switch {
		case b.Wait:
			err = x.await(ctx, p, x.outcomeOf(b.Name))
		case b.Ready != nil:
			err = x.ready(ctx, p, b.Ready)
		}
		if err != nil {
			return err
		}
		if !b.Wait {
			go x.watch(ctx, p, x.outcomeOf(b.Name), cancel)
		}
	}
	return x.perform(ctx, cancel)
}

// await waits for a program to end as it should.
func (x *trial) await(ctx context.Context, p *process.Process, want *testfile.Outcome) error {
	select {
	case <-p.Ended():
		if !p.EndedAs(want) {
			return errDied
		}
		return nil
	case <-ctx.Done():
		return x.broken(ctx, p.Title+" has not ended", p.At)
	}
}

// ready waits until a process can be used.
func (x *trial) ready(ctx context.Context, p *process.Process, ready *testfile.Ready) error {
	err := process.Await(ctx, p, ready, x.dir)
	switch {
	case err == nil:
		return nil
	case p.Done():
		x.blamed = p
	case ctx.Err() != nil:
		return x.broken(ctx, err.Error(), ready.At)
	}
	x.res.fail(ready.At, err.Error(), "")
	return err
}

// broken tells why a wait was broken off.
func (x *trial) broken(ctx context.Context, what string, at flow.Place) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errDied):
		return cause
	case errors.Is(cause, errTimeout):
		x.res.fail(at, fmt.Sprintf("timed out after %s: %s", x.t.Timeout, what), "")
		return cause
	default:
		x.res.fail(at, "interrupted: "+what, "")
		return cause
	}
}

// watch breaks the play off when a process of before ends meanwhile, and not as
// it should.
func (x *trial) watch(ctx context.Context, p *process.Process, want *testfile.Outcome, cancel context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
	case <-p.Ended():
		if !p.EndedAs(want) && !p.Told() {
			cancel(errDied)
		}
	}
}

// outcomeOf is how a process of before must end: with exit code 0, if nothing
// else is said.
func (x *trial) outcomeOf(name string) *testfile.Outcome {
	if o := x.expected(name); o != nil {
		return o
	}
	return &testfile.Outcome{}
}

// expected is what the test says of a process of before, nil when it is nothing.
func (x *trial) expected(name string) *testfile.Outcome {
	if x.t.Expect == nil {
		return nil
	}
	for _, o := range x.t.Expect.Processes {
		if o.Name == name {
			return &o.Outcome
		}
	}
	return nil
}

// stop ends what still runs, what was started last first.
func (x *trial) stop(err error) {
	patience := grace
	if err != nil || !x.res.Passed() {
		patience = shortGrace
	}
	all := x.processes()
	for i := len(all) - 1; i >= 0; i-- {
		all[i].Stop(x.Hard, patience)
	}
}

// endings compares how processes have ended with how they should have. Where
// the test was broken off, err says why, and what was ended for that reason is
// not to blame.
func (x *trial) endings(err error) {
	for _, p := range x.processes() {
		if p.Stdout.Overflowed() || p.Stderr.Overflowed() {
			x.res.fail(p.At, fmt.Sprintf("%s has printed more than %s; max_output of the test sets how much it may", p.Title, x.t.MaxOutput), "")
		}
	}
	for i, p := range x.before {
		b := x.t.Before[i]
		want := x.expected(b.Name)
		said := want != nil && (want.ExitCode.Given || want.Signal != "")
		switch told := p.Told(); {
		case told && err != nil:
		case told && !p.IsFlow && !p.Forced() && !said: // SIGTERM ends most programs
		case want != nil:
			x.ending(p, want)
		default:
			x.ending(p, &testfile.Outcome{At: p.At})
		}
	}
	if x.run == nil || x.run.Told() && err != nil {
		return
	}
	x.ending(x.run, x.wanted())
}

func (x *trial) ending(p *process.Process, want *testfile.Outcome) {
	code, signal := p.Code()
	switch {
	case p == x.blamed:
	case p.Forced():
		x.res.fail(p.At, fmt.Sprintf("%s did not end within %s of SIGTERM, and was killed", p.Title, grace), "")
	case want.Signal != "" && signal != want.Signal:
		x.res.fail(want.At, fmt.Sprintf("%s %s, expected to be ended by %s", p.Title, p.Ending(), want.Signal), "")
	case want.Signal == "" && signal != "":
		x.res.fail(want.At, fmt.Sprintf("%s %s, expected exit code %d", p.Title, p.Ending(), want.ExitCode.N), "")
	case want.Signal == "" && code != want.ExitCode.N:
		x.res.fail(want.At, fmt.Sprintf("%s %s, expected %d", p.Title, p.Ending(), want.ExitCode.N), "")
	}
}

// expectations compares outputs and files with what was expected.
func (x *trial) expectations() {
	e := x.t.Expect
	if e == nil {
		return
	}
	rewrite := map[string][]byte{}
	x.outputs(x.run, &e.Outcome, rewrite)
	for _, o := range e.Processes {
		for i, b := range x.t.Before {
			if b.Name == o.Name {
				x.outputs(x.before[i], &o.Outcome, rewrite)
			}
		}
	}
	for _, f := range e.Files {
		x.file(f, rewrite)
	}
	if !x.res.Passed() {
		return // what a failed test has made is nothing to expect
	}
	for _, path := range sortedKeys(rewrite) {
		err := os.MkdirAll(filepath.Dir(path), 0o777)
		if err == nil {
			err = os.WriteFile(path, rewrite[path], 0o666)
		}
		if err != nil {
			x.res.fail(x.c.At, fmt.Sprintf("write the expected %s: %v", shown(path), process.PlainCause(err)), "")
			continue
		}
		x.res.Updated = append(x.res.Updated, path)
	}
}

func (x *trial) outputs(p *process.Process, want *testfile.Outcome, rewrite map[string][]byte) {
	if want.Stdout != nil {
		x.content("stdout of "+p.Title, p.Stdout.Bytes(), want.Stdout, rewrite)
	}
	if want.Stderr != nil {
		x.content("stderr of "+p.Title, p.Stderr.Bytes(), want.Stderr, rewrite)
	}
}

func (x *trial) file(f *testfile.FileContent, rewrite map[string][]byte) {
	what := fmt.Sprintf("file %q", f.Path)
	path := filepath.Join(x.dir, filepath.FromSlash(f.Path))
	info, err := os.Stat(path)
	switch absent := f.Exists.Given && !f.Exists.True; {
	case absent && err == nil:
		x.res.fail(f.At, what+" is there, and should not be", "")
		return
	case absent:
		return
	case errors.Is(err, os.ErrNotExist):
		x.res.fail(f.At, what+" is not there", "the folder holds: "+listing(x.dir))
		return
	case err == nil && !info.Mode().IsRegular():
		x.res.fail(f.At, what+" is no regular file", "")
		return
	case err == nil && info.Size() > int64(x.t.MaxOutput):
		x.res.fail(f.At, fmt.Sprintf("%s is larger than %s; max_output of the test sets how large it may be", what, x.t.MaxOutput), "")
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		x.res.fail(f.At, fmt.Sprintf("read %s: %v", what, process.PlainCause(err)), "")
		return
	}
	x.content(what, got, &f.Content, rewrite)
}

func (x *trial) content(what string, got []byte, want *testfile.Content, rewrite map[string][]byte) {
	c := &compare.Content{What: what, Got: got, Expect: want, Dir: x.c.File.Dir, Update: x.Update}
	found, path := c.Check()
	for _, m := range found {
		x.res.fail(want.At, m.Message, m.Detail)
	}
	if path != "" {
		rewrite[path] = got
	}
}

// after cleans up, with time of its own.
func (x *trial) after() {
	for _, a := range x.t.After {
		title := fmt.Sprintf("after %q", a.Name)
		p, err := x.start(&a.Program, title)
		if err != nil {
			x.res.fail(a.At, fmt.Sprintf("%s: %v", title, err), "")
			continue
		}
		late := time.NewTimer(time.Duration(x.t.Timeout))
		select {
		case <-p.Ended():
			if code, _ := p.Code(); code != 0 {
				x.res.fail(a.At, fmt.Sprintf("%s %s", title, p.Ending()), "")
			}
		case <-late.C:
			x.res.fail(a.At, fmt.Sprintf("%s has not ended within %s", title, x.t.Timeout), "")
		case <-x.Hard.Done():
		}
		late.Stop()
		p.Stop(x.Hard, shortGrace)
		if !x.res.Passed() {
			x.res.Outputs = append(x.res.Outputs, p.Account())
		}
	}
}

// listing names what is in a folder, for people.
func listing(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	var names []string
	for i, e := range entries {
		if i == 20 {
			names = append(names, "…")
			break
		}
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}
