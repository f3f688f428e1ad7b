package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/compare"
	"github.com/flowrun/flowrun/cmd/flowrun/internal/runner/process"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/flows/testfile"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline"
)

// bag collects what leaves a pipeline by its ports. Steps that wait for time send
// from goroutines of their own.
type bag struct {
	mu    sync.Mutex
	ports map[string][]flow.Value
	room  int // for so many events more
}

// into is the sink of one port.
type into struct {
	*bag
	port string
}

// Send implements flow.Sink.
func (s into) Send(_ context.Context, batch []flow.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		if s.room--; s.room < 0 {
			return errors.New("too many events leave the pipeline; max_events of the unit sets how many may")
		}
		s.ports[s.port] = append(s.ports[s.port], batch[i].HeldPayload())
	}
	return nil
}

// unit sends events through a pipeline, in this process and without connections.
func (r *runner) unit(ctx context.Context, c *testfile.Case, res *Result) {
	u, _ := c.Unit() // it has been checked
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(u.Timeout), errTimeout)
	defer cancel()
	block, name := r.pipeline(c, u, res)
	if block == nil {
		return
	}
	in, err := events(c, u.InFile, u.In)
	if err != nil {
		res.fail(u.At, err.Error(), "")
		return
	}
	problems := &flow.Problems{Component: &flow.Component{Flow: name, Kind: "pipeline", Name: block.Name}, Log: zap.NewNop()}
	instance, err := pipeline.New(block, problems)
	if err != nil {
		res.fail(u.At, err.Error(), "")
		return
	}
	got := &bag{ports: map[string][]flow.Value{}, room: u.MaxEvents}
	for _, port := range portsOf(block) {
		instance.Port(port).Connect(into{got, port})
	}
	if !got.feed(ctx, instance, in, u, res) {
		return
	}
	got.compare(c, u, block, res)
}

func portsOf(block *flowfile.PipelineBlock) []string {
	return slices.Concat([]string{"out", "err"}, block.Ports)
}

// pipeline loads the flow and finds the pipeline; nil when it has told why not.
func (r *runner) pipeline(c *testfile.Case, u *testfile.Unit, res *Result) (block *flowfile.PipelineBlock, name string) {
	inputs := flows.Inputs{Env: process.Environment(c.File.Dir, r.Binary)}
	for _, name := range sortedKeys(u.Vars) {
		text, err := process.Spell(u.Vars[name])
		if err != nil {
			res.fail(u.At, fmt.Sprintf("the variable %s: %v", name, err), "")
			return nil, ""
		}
		inputs.Vars = append(inputs.Vars, name+"="+text)
	}
	files, report := flows.Load([]string{c.Path(u.Flow)}, r.Tables, inputs)
	if report.HasErrors() {
		res.fail(u.At, fmt.Sprintf("the flow %s is wrong", u.Flow), report.Text(false))
		return nil, ""
	}
	var names []string
	for _, p := range files[0].Pipelines {
		if p.Name == strings.TrimPrefix(u.Pipeline, "pipeline.") {
			return p, files[0].Name
		}
		names = append(names, p.Name)
	}
	res.fail(u.At, fmt.Sprintf("the flow %s has no pipeline %q", u.Flow, u.Pipeline), source.DidYouMean(u.Pipeline, names))
	return nil, ""
}

// events are those of a file, where one is named, or those given.
func events(c *testfile.Case, file string, given []flow.Value) ([]flow.Value, error) {
	if file == "" {
		return given, nil
	}
	text, err := os.ReadFile(c.Path(file))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, process.PlainCause(err))
	}
	return compare.Parse(text, "ndjson", file)
}

// feed sends the events, one after the other, and ends the pipeline.
func (b *bag) feed(ctx context.Context, instance *pipeline.Instance, in []flow.Value, u *testfile.Unit, res *Result) bool {
	ended := make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		instance.Start(ctx)
		for i, v := range in {
			e := flow.Event{Value: v, Time: time.Now().UnixNano()}
			if err := instance.In().Send(ctx, []flow.Event{e}); err != nil && failed == nil {
				failed = fmt.Errorf("event %d: %w", i+1, err)
			}
		}
		instance.Finish()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		res.fail(u.At, fmt.Sprintf("timed out after %s", u.Timeout), "")
		return false
	}
	if failed != nil {
		res.fail(u.At, failed.Error(), "")
	}
	return failed == nil
}

func (b *bag) compare(c *testfile.Case, u *testfile.Unit, block *flowfile.PipelineBlock, res *Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	against := func(at flow.Place, port, name string, want []flow.Value) {
		if m, differs := compare.Values("port "+port, cmp.Or(name, "the expected events"), want, b.ports[port], u.Ignore, false); differs {
			res.fail(at, m.Message, m.Detail)
		}
	}
	b.problems(u, res)
	if u.HasOut {
		want, err := events(c, u.OutFile, u.Out)
		if err != nil {
			res.fail(u.At, err.Error(), "")
			return
		}
		against(u.At, "out", u.OutFile, want)
	}
	for _, p := range u.Ports {
		if !slices.Contains(block.Ports, p.Name) {
			res.fail(p.At, fmt.Sprintf("pipeline.%s has no port %q", block.Name, p.Name), source.DidYouMean(p.Name, block.Ports))
			continue
		}
		against(p.At, p.Name, "", p.Out)
	}
}

// problems compares what went wrong with events with what should have.
func (b *bag) problems(u *testfile.Unit, res *Result) {
	var messages []string
	for _, v := range b.ports["err"] {
		problem, _ := v.Object().Get("error")
		message, _ := problem.Object().Get("message")
		messages = append(messages, message.Text())
	}
	for i := range max(len(messages), len(u.Errors)) {
		switch {
		case i >= len(u.Errors):
			res.fail(u.At, "an event went wrong: "+messages[i], "")
		case i >= len(messages):
			res.fail(u.At, fmt.Sprintf("no event went wrong with %q", u.Errors[i].Text), "")
		case !u.Errors[i].MatchString(messages[i]):
			res.fail(u.At, fmt.Sprintf("the error does not match %q: %s", u.Errors[i].Text, messages[i]), "")
		}
	}
}

// expression computes expressions.
func (r *runner) expression(c *testfile.Case, res *Result) {
	x, _ := c.Expression() // it has been checked
	for _, check := range x.Checks {
		e := flow.Event{Value: check.Event}
		if check.Meta.Kind() == flow.Map {
			e.Meta.Wrote = check.Meta.Object()
		}
		got, err := check.Expr.Eval(&e)
		told := fmt.Sprintf("check %q: ", check.Name)
		switch want := check.Error.Regexp; {
		case err != nil && want == nil:
			res.fail(check.At, told+"it fails: "+err.Error(), "")
		case err != nil && !want.MatchString(err.Error()):
			res.fail(check.At, fmt.Sprintf("%sthe error does not match %q: %s", told, want, err), "")
		case err == nil && want != nil:
			res.fail(check.At, fmt.Sprintf("%sit should fail with %q, and is %s", told, want, compare.Short(got)), "")
		case err == nil && !got.Equal(check.Result):
			res.fail(check.At, told+compare.First(check.Result, got, false), "")
		}
	}
}
