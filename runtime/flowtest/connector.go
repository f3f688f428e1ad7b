package flowtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/goleak"
)

// Connector holds a connector to its contract. configure returns a
// configuration for a connector whose world is there: the file exists, the
// server listens. It is called for each part of the suite, and may prepare
// and clean up with the t that it is given.
//
// A connector with one connection opens it by itself. One with many is ended
// while nobody is connected; what it does with its peers is for its own tests.
func Connector(t *testing.T, configure func(t *testing.T) flow.ConnectorConfig) {
	t.Helper()
	parts := []struct {
		name string
		test func(c *life, t *testing.T)
	}{
		{"the end of ctx ends Run", (*life).endsWithContext},
		{"what is abandoned ends at once", (*life).endsAbandoned},
		{"Release without Run, and twice", (*life).releasedUnused},
		{"runs again after Release", (*life).runsAgain},
		{"the end of ctx ends Feed", (*life).endsFeed},
		{"a refused link is an error", (*life).refusedLink},
		{"the shape tells the truth", (*life).keepsToShape},
	}
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			config := configure(t)
			before := goleak.IgnoreCurrent()
			connector, err := config.New()
			if err != nil {
				t.Fatalf("New: %v", err)
			}
			c := &life{t: t, config: config, connector: connector, host: NewHost(t, Options{Shape: config.Shape()})}
			part.test(c, t)
			c.host.Table.Close(nil)
			if opened, closed := c.host.Opened(), c.host.Closed(); opened != closed {
				t.Errorf("%d links were opened and %d closed", opened, closed)
			}
			goleak.VerifyNone(t, before)
		})
	}
}

// life is a connector and its host.
type life struct {
	t         *testing.T
	config    flow.ConnectorConfig
	connector flow.Connector
	host      *Host
}

func (c *life) prepare() {
	c.t.Helper()
	if p, ok := c.connector.(flow.Preparer); ok {
		if err := p.Prepare(c.t.Context(), c.host); err != nil {
			c.t.Fatalf("Prepare: %v", err)
		}
	}
}

func (c *life) release() {
	if p, ok := c.connector.(flow.Preparer); ok {
		p.Release()
	}
}

// start runs the connector until stop is called, which returns what Run did.
func (c *life) start() (stop func() error) {
	c.t.Helper()
	before := c.host.Opened()
	running := Start(c.t, c.connector, c.host)
	if !c.config.Shape().Many {
		c.host.WaitOpen(before+1, running.done)
		if c.host.Opened() == before {
			c.t.Error("no link was opened")
		}
	}
	return running.Stop
}

func (c *life) endsFeed(*testing.T) {
	feeder, ok := c.connector.(flow.Feeder)
	if !ok {
		return
	}
	for range 2 {
		c.prepare()
		stop := c.start()
		if err := StartFeed(c.t, feeder, c.host).Stop(); err != nil {
			c.t.Errorf("Feed returned %v at the end of ctx", err)
		}
		if err := stop(); err != nil {
			c.t.Errorf("Run returned %v at the end of ctx", err)
		}
		c.release()
	}
}

func (c *life) endsWithContext(*testing.T) {
	c.prepare()
	if err := c.start()(); err != nil {
		c.t.Errorf("Run returned %v at the end of ctx", err)
	}
	if c.config.Shape().Role == flow.Server && !c.host.HasShut() {
		c.t.Error("it is a server, and did not call Shut at the end of ctx")
	}
	c.release()
}

func (c *life) endsAbandoned(*testing.T) {
	c.prepare()
	stop := c.start()
	c.host.Drop()
	_ = stop() // it may tell that something was lost
	c.release()
}

func (c *life) releasedUnused(*testing.T) {
	c.release()
	c.prepare()
	c.release()
	c.release()
	c.endsWithContext(c.t)
	c.release()
}

func (c *life) runsAgain(*testing.T) {
	for round := 1; round <= 3; round++ {
		c.prepare()
		if err := c.start()(); err != nil {
			c.t.Errorf("round %d: Run returned %v at the end of ctx", round, err)
		}
		c.release()
	}
}

func (c *life) refusedLink(*testing.T) {
	c.prepare()
	refused := errors.New("no link today")
	c.host.Refuse(refused)
	running := Start(c.t, c.connector, c.host)
	if c.config.Shape().Many {
		// One connection that cannot be is no reason to end.
		if err := running.Stop(); err != nil {
			c.t.Errorf("Run returned %v at the end of ctx", err)
		}
	} else if err := running.Wait(); !errors.Is(err, refused) {
		c.t.Errorf("Run returned %v when Open failed, it should wrap the cause", err)
	}
	c.release()
}

func (c *life) keepsToShape(t *testing.T) {
	shape := c.config.Shape()
	for _, claim := range shape.Claims {
		if claim.Resource == "" || claim.Field == "" && claim.Port == "" {
			t.Errorf("claim %+v names no resource, or neither field nor port", claim)
		}
	}
	if !shape.In && !shape.Out {
		t.Error("it has neither in nor out")
	}
	if _, ok := c.connector.(flow.Feeder); ok && !shape.Out {
		t.Error("it feeds but has no out")
	}
	c.prepare()
	if err := c.start()(); err != nil {
		t.Errorf("Run returned %v at the end of ctx", err)
	}
	c.release()
	if n := c.host.writable(); !shape.Many && (n > 0) != shape.In {
		t.Errorf("in is %v, but %d links can be written to", shape.In, n)
	}
	if got := len(c.host.Out.Events()) + len(c.host.Err.Events()); !shape.Out && got > 0 {
		t.Errorf("it has no out, but %d events came in", got)
	}
}

// Running is a connector that runs in the background, as the engine runs it.
type Running struct {
	t    testing.TB
	stop context.CancelFunc
	done chan struct{}
	err  error
}

// Start runs a connector that is prepared already, until it ends, Stop is
// called, or the test ends.
func Start(t testing.TB, connector flow.Connector, host flow.Host) *Running {
	return background(t, func(ctx context.Context) error { return connector.Run(ctx, host) })
}

// StartFeed runs the reading side of a connector.
func StartFeed(t testing.TB, connector flow.Feeder, host flow.Host) *Running {
	return background(t, func(ctx context.Context) error { return connector.Feed(ctx, host) })
}

func background(t testing.TB, run func(ctx context.Context) error) *Running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Running{t: t, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = run(ctx)
	}()
	t.Cleanup(cancel)
	return r
}

// Stop ends the connector's ctx and returns what Run returns.
func (r *Running) Stop() error {
	r.t.Helper()
	r.stop()
	return r.Wait()
}

// Done is closed when Run has returned.
func (r *Running) Done() <-chan struct{} { return r.done }

// Wait returns what Run returns, when it does so by itself.
func (r *Running) Wait() error {
	r.t.Helper()
	select {
	case <-r.done:
		return r.err
	case <-time.After(patience):
		r.t.Fatal("Run does not return")
		return nil
	}
}
