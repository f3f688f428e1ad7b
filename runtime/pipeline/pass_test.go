package pipeline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/setting"
)

func TestPassWaitsForWhatIsBeingSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := &flowfile.PipelineBlock{Name: "p", Steps: []flowfile.StepBlock{{
			Type: "batch", Label: "b", Config: &Batch{MaxEvents: 1, MaxWait: setting.Duration(time.Hour), MaxBytes: 1 << 20},
		}}}
		i, err := New(block, &flow.Problems{Component: &flow.Component{}})
		if err != nil {
			t.Fatal(err)
		}
		inside, goOn := make(chan struct{}), make(chan struct{})
		i.Port("out").Connect(sendFunc(func(context.Context, []flow.Event) error {
			inside <- struct{}{}
			<-goOn
			return nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		i.Start(ctx)
		if err := i.Pass(ctx); err != nil {
			t.Error(err)
		}
		go func() { _ = i.In().Send(ctx, []flow.Event{{Value: flow.IntOf(1)}}) }()
		<-inside
		passed := make(chan error, 1)
		go func() { passed <- i.Pass(ctx) }()
		synctest.Wait()
		if len(passed) > 0 {
			t.Fatal("it did not wait")
		}
		close(goOn)
		if err := <-passed; err != nil {
			t.Error(err)
		}
		cancel()
		i.Finish()
	})
}

type sendFunc func(context.Context, []flow.Event) error

func (f sendFunc) Send(ctx context.Context, batch []flow.Event) error { return f(ctx, batch) }
