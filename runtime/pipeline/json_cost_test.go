package pipeline

import (
	"context"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/flowtest/cputime"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
)

// encoder writes events as a connector does with the codec json.
type encoder struct{ out []byte }

func (w *encoder) Send(_ context.Context, batch []flow.Event) error {
	w.out = w.out[:0]
	for i := range batch {
		e := &batch[i]
		if e.Raw != nil {
			w.out = jsontext.AppendLine(w.out, e.Raw)
			continue
		}
		var err error
		if w.out, err = jsontext.Append(w.out, e.Value, false); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkJSON is the processor time that the pipelines of tests/bench take for
// one of its messages, from its bytes to those that leave: what a step adds is
// the difference to none.
func BenchmarkJSON(b *testing.B) {
	text := []byte(`{"conn":"00007","seq":"0000001234","symbol":"EURUSD","price":1.08342,"size":250000,` +
		`"side":"buy","venue":"XTKS","tags":["a","b"],"note":"01234"}`)
	for _, p := range []struct {
		name string
		step flow.StepConfig
	}{
		{"none", nil},
		{"where", &step.Filter{Where: steptest.Where(b, `event.symbol == "EURUSD" && event.price > 1`)}},
		{"map", &step.Map{Event: steptest.Value(b, `{conn = event.conn, seq = event.seq, price = event.price, size = event.size, side = event.side}`)}},
	} {
		b.Run(p.name, func(b *testing.B) {
			block := &flowfile.PipelineBlock{Name: "p"}
			if p.step != nil {
				block.Steps = []flowfile.StepBlock{{Type: p.name, Label: "s", Config: p.step}}
			}
			i, err := New(block, steptest.Problems("pipeline", "p"))
			if err != nil {
				b.Fatal(err)
			}
			i.Port("out").Connect(&encoder{})
			batch := make([]flow.Event, 32)
			b.ReportAllocs()
			cpu := cputime.Of(func() {
				for b.Loop() {
					for n := range batch {
						raw, err := jsontext.Check(text, jsontext.DefaultDepth)
						if err != nil {
							b.Fatal(err)
						}
						batch[n] = flow.Event{Raw: raw, Form: jsontext.Form{}}
					}
					if err := i.In().Send(b.Context(), batch); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(cpu.Nanoseconds())/float64(b.N*len(batch)), "cpu-ns/event")
		})
	}
}
