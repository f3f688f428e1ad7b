package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/load"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/signals"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/process"
	"github.com/flowrun/flowrun/flows/testfile"
)

// tables are what can stand in the peers of a test file.
func (o *Options) tables() *testfile.Tables {
	t := &testfile.Tables{
		Load:     func() any { o := load.Defaults(); return &o },
		Holds:    func(config any) bool { _, ok := config.(peer.Block); return ok },
		Fill:     func(config any, steps []testfile.Step) { *config.(peer.Block).Body() = placed(steps) },
		Update:   o.Update,
		Patience: o.Patience,
	}
	t.Peer = func() any {
		c := peer.DefaultConfig()
		c.Within = t.Patient(c.Within)
		return &c
	}
	t.Signal = func(config any) (gives, awaits string) {
		switch step := config.(type) {
		case *peer.Signal:
			return step.Name, ""
		case *peer.Await:
			return "", step.Name
		}
		return "", ""
	}
	for _, spec := range peer.Kinds {
		t.Steps = append(t.Steps, testfile.StepTable{Name: spec.Name, Config: func() any { return spec.Config() }})
	}
	return t
}

// placed takes the steps of a file as the peer does.
func placed(steps []testfile.Step) (all []peer.PlacedStep) {
	for _, s := range steps {
		all = append(all, peer.PlacedStep{Kind: s.Kind, At: s.At, Step: s.Config.(peer.Step)})
	}
	return all
}

// cast is a peer of the test on its way to its report.
type cast struct {
	script *peer.Script
	ready  chan struct{} // closed when it listens
}

// perform starts run and the peers and waits until all have ended, or one of the
// peers has failed, which ends the others. Who listens starts first.
func (x *trial) perform(ctx context.Context, cancel context.CancelCauseFunc) error {
	reports := make(chan *peer.Report, len(x.t.Peers))
	var wg, interrupts sync.WaitGroup
	defer wg.Wait()
	defer interrupts.Wait()
	playing := 0
	begin := func(c *cast) {
		playing++
		wg.Go(func() { reports <- peer.Run(ctx, c.script) })
	}
	defer cancel(nil) // before the wait: interrupts may wait for what will not come
	var casts, clients []*cast
	for _, p := range x.t.Peers {
		c := x.cast(p)
		c.script.Join()
		casts = append(casts, c)
	}
	for _, i := range x.t.Interrupts {
		x.signals.Join(titleOf(i), i.Label)
	}
	for _, c := range casts {
		if c.script.Config.Listen.IsZero() {
			clients = append(clients, c)
			continue
		}
		begin(c)
		select {
		case <-c.ready:
		case r := <-reports: // it could not listen, or has ended already
			reports <- r
		case <-ctx.Done():
		}
	}
	var ended <-chan struct{}
	if x.t.Run != nil {
		var err error
		if x.run, err = x.start(&x.t.Run.Program, "run"); err != nil {
			x.res.fail(x.t.Run.At, "run: "+err.Error(), "")
			return errDied
		}
		ended = x.run.Ended()
		if x.t.Run.Ready != nil {
			if err := x.ready(ctx, x.run, x.t.Run.Ready); err != nil {
				return err
			}
		}
	}
	unsent := make(chan *unsentError, len(x.t.Interrupts))
	for _, i := range x.t.Interrupts {
		interrupts.Go(func() { x.interrupt(ctx, i, unsent) })
	}
	for _, c := range clients {
		begin(c)
	}
	for playing > 0 || ended != nil {
		select {
		case r := <-reports:
			playing--
			if !r.OK() {
				x.tell(r)
				// What the others wait for may never come now. Only who has
				// failed by then, too, has something to tell.
				for n := len(reports); n > 0; n-- {
					if r := <-reports; !r.OK() {
						x.tell(r)
					}
				}
				cancel(fmt.Errorf("peer %q failed", r.Peer))
				return r.Err()
			}
		case err := <-unsent:
			x.res.fail(err.At, err.Error(), "")
			cancel(err)
			return err
		case <-ended:
			ended = nil
			if !x.run.EndedAs(x.wanted()) {
				cancel(errDied)
				return errDied
			}
		case <-ctx.Done():
			err := x.broken(ctx, x.unfinished(playing, ended != nil), x.t.At)
			for ; playing > 0; playing-- {
				if r := <-reports; !r.OK() && err == errTimeout { //nolint:errorlint // it is that very one
					x.tell(r)
				}
			}
			return err
		}
	}
	interrupts.Wait() // all that could give their signals have ended
	select {
	case err := <-unsent:
		x.res.fail(err.At, err.Error(), "")
		return err
	default:
		return nil
	}
}

// wanted is how run must end.
func (x *trial) wanted() *testfile.Outcome {
	if x.t.Expect != nil {
		return &x.t.Expect.Outcome
	}
	return &testfile.Outcome{At: x.t.Run.At}
}

// unfinished says what a test still waits for.
func (x *trial) unfinished(playing int, running bool) string {
	switch {
	case running && playing > 0:
		return fmt.Sprintf("run and %d of the peers have not ended", playing)
	case running:
		return "run has not ended"
	}
	return fmt.Sprintf("%d of the peers have not ended", playing)
}

func (x *trial) cast(p *testfile.Peer) *cast {
	c := &cast{ready: make(chan struct{})}
	c.script = &peer.Script{
		Name: p.Name, At: p.At, Config: *p.Config.(*peer.Config), Steps: placed(p.Steps), Signals: x.signals,
		Listening: func(string) { close(c.ready) },
	}
	return c
}

// tell adds what a peer says of its failure.
func (x *trial) tell(r *peer.Report) {
	for i := range r.Failures {
		f := &r.Failures[i]
		message, detail := firstAndRest(f.Err.Error())
		title := fmt.Sprintf("peer %q", f.Peer)
		if f.Kind != "" {
			title += ", " + f.Kind
		}
		for _, l := range f.Transcript {
			detail += fmt.Sprintf("\n%8.3fs  %s", l.At.Seconds(), compare.Clip(compare.Readable([]byte(l.Text))))
		}
		x.res.fail(f.At, title+": "+message, strings.TrimPrefix(detail, "\n"))
	}
	if more := r.Failed - len(r.Failures); more > 0 {
		x.res.fail(r.At, fmt.Sprintf("and %d more of the %d clients of peer %q", more, r.Ran, r.Peer), "")
	}
}

func titleOf(i *testfile.Interrupt) string { return fmt.Sprintf("interrupt %q", i.Label) }

// unsentError says why an interrupt was not sent.
type unsentError struct {
	*testfile.Interrupt
	count int
	why   error
}

func (u *unsentError) Error() string {
	if u.count >= u.Count {
		return fmt.Sprintf("%s: %v", titleOf(u.Interrupt), u.why)
	}
	return fmt.Sprintf("%s was not sent: signal %q came %d of %d times: %v", titleOf(u.Interrupt), u.Await, u.count, u.Count, u.why)
}

// interrupt sends a signal to a process once peers have come so far.
func (x *trial) interrupt(ctx context.Context, i *testfile.Interrupt, unsent chan<- *unsentError) {
	defer x.signals.Leave(titleOf(i))
	if count, err := x.signals.Await(ctx, i.Await, i.Count); err != nil {
		if silent := (*signals.Silent)(nil); errors.As(err, &silent) {
			unsent <- &unsentError{i, count, err}
		}
		return // the peers tell what they wait for
	}
	p := x.run
	for n, b := range x.t.Before {
		if b.Name == i.To {
			p = x.before[n]
		}
	}
	if i.Ready != nil {
		if err := process.Await(ctx, p, i.Ready, x.dir); err != nil {
			unsent <- &unsentError{i, i.Count, err}
			return
		}
	}
	for name, by := range i.Replace {
		if err := x.replace(name, by); err != nil {
			unsent <- &unsentError{i, i.Count, err}
			return
		}
	}
	if s, ok := process.SignalNamed(i.Signal); ok {
		p.Interrupt(s)
	}
	x.signals.Signal(i.Label)
}

// replace puts a copy of one file of the test into the place of another, at once.
func (x *trial) replace(name, by string) error {
	text, err := os.ReadFile(filepath.Join(x.dir, by))
	if err != nil {
		return fmt.Errorf("read %s: %w", by, process.PlainCause(err))
	}
	path := filepath.Join(x.dir, name)
	if err := os.WriteFile(path+"~", text, 0o600); err != nil {
		return fmt.Errorf("replace %s: %w", name, process.PlainCause(err))
	}
	if err := os.Rename(path+"~", path); err != nil {
		return fmt.Errorf("replace %s: %w", name, process.PlainCause(err))
	}
	return nil
}
