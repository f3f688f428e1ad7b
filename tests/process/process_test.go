package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/usage"
)

// The test binary is the child too.
func TestMain(m *testing.M) {
	switch os.Getenv("PROCESS_TEST") {
	case "serve":
		fmt.Fprintln(os.Stderr, "echo: connector.edge listens on ws://127.0.0.1:4242/path")
		<-time.After(time.Minute)
	case "work":
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		}
	case "end":
		fmt.Println("done")
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func child(t *testing.T, ctx context.Context, part string) *Process {
	t.Helper()
	p, err := Start(ctx, Options{Env: []string{"PROCESS_TEST=" + part}}, os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestCodeAndOutput(t *testing.T) {
	p := child(t, t.Context(), "end")
	if code, err := p.Wait(t.Context()); code != 3 || err != nil {
		t.Errorf("the code is %d, %v; expected 3", code, err)
	}
	if got := p.Stdout.String(); got != "done\n" {
		t.Errorf("it printed %q", got)
	}
	if _, err := p.Listening(t.Context(), "edge"); !errors.Is(err, errEnded) {
		t.Errorf("the wait for a listener ended with %v", err)
	}
	if err := p.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
}

func TestListeningAndCost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := child(t, ctx, "serve")
	if addr, err := p.Listening(ctx, "edge"); addr != "127.0.0.1:4242" || err != nil {
		t.Errorf("it listens on %q, %v", addr, err)
	}
	cpu, err := usage.CPU(p.PID())
	if errors.Is(err, errors.ErrUnsupported) {
		t.Log(err)
	} else if err != nil || cpu <= 0 {
		t.Errorf("it used %v, %v", cpu, err)
	}
	if rss, err := usage.RSS(p.PID()); !errors.Is(err, errors.ErrUnsupported) && (err != nil || rss < 1<<20) {
		t.Errorf("it has %d bytes, %v", rss, err)
	}
	cancel()
	if code, err := p.Wait(t.Context()); code != -1 || err != nil {
		t.Errorf("the end of its context gave code %d, %v", code, err)
	}
}

func TestRests(t *testing.T) {
	idle, busy := child(t, t.Context(), "serve"), child(t, t.Context(), "work")
	err := idle.Rests(t.Context())
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Errorf("who sleeps does not rest: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := busy.Rests(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who works rests, %v", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	o := newOutput()
	for range 20 {
		if n, err := o.Write([]byte(strings.Repeat("x", 1<<20))); n != 1<<20 || err != nil {
			t.Fatal(n, err)
		}
	}
	if n := len(o.String()); n != maxOutput {
		t.Errorf("it keeps %d bytes", n)
	}
}
