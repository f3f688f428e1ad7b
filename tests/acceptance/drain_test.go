package acceptance

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/flowrun/flowrun/tests/wire"
)

// keepAndEcho writes each event to a file before it is answered, so that the
// file shows what has been taken.
const keepAndEcho = `
flow {
  drain {
    timeout = "2m"
  }
}

connector "ws_server" "edge" {
  url            = "127.0.0.1:0"
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

connector "file" "taken" {
  path           = "taken.ndjson"
  mode           = "truncate"
  codec          = "json"
  postprocessors = ["separate"]
}

connect "keep_and_echo" {
  from = connector.edge
  to   = [connector.taken, connector.edge]
}
`

// SIGTERM with idle clients and busy ones. Of the busy, half have sent
// everything and read nothing so far: the replies to all that was taken are
// in flight and must arrive. The other half send and read all the time: what
// is answered is answered in order. Everyone is told 1001.
func TestDrain(t *testing.T) {
	const (
		idle, loaded, running = 500, 25, 25
		messages              = 50
	)
	f := start(t, "", keepAndEcho)
	addr := f.address("edge")
	conns := make([]*wire.Conn, idle+loaded+running)
	each(t, len(conns), 32, func(i int) (err error) {
		conns[i], err = dial(addr, nil)
		return err
	})
	if t.Failed() {
		return
	}
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	line := func(client, n int) string {
		return fmt.Sprintf(`{"client":%d,"n":%d,"pad":"%s"}`+"\n", client, n, strings.Repeat("z", 500))
	}
	for i := range loaded {
		for n := range messages {
			if err := conns[idle+i].Send(wire.Fin|wire.Text, []byte(line(idle+i, n))); err != nil {
				t.Fatal(err)
			}
		}
	}
	var busy sync.WaitGroup
	under := make(chan struct{}, running)
	answered := make([]int, running)
	for i := range running {
		busy.Go(func() {
			n, err := untilClosed(conns[idle+loaded+i], func(n int) string { return line(idle+loaded+i, n) }, under)
			answered[i] = n
			if err != nil {
				t.Errorf("client %d, which sends all the time, after %d answers: %v", i, n, err)
			}
		})
	}
	for range running {
		select {
		case <-under:
		case <-time.After(patience):
			t.Fatal("a client gets no answers")
		}
	}
	taken := filepath.Join(f.dir, "taken.ndjson")
	await(t, "everything sent by those who do not read is in the file", func() bool {
		text := read(t, taken)
		for i := range loaded {
			if !strings.Contains(text, line(idle+i, messages-1)) {
				return false
			}
		}
		return true
	})

	terminated := time.Now()
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	each(t, idle, idle, func(i int) error { return farewell(conns[i]) })
	idleAfter := time.Since(terminated)
	each(t, loaded, loaded, func(i int) error {
		for n := range messages {
			if err := expect(conns[idle+i], line(idle+i, n)); err != nil {
				return fmt.Errorf("reply in flight %d of %d: %w", n+1, messages, err)
			}
		}
		return farewell(conns[idle+i])
	})
	busy.Wait()
	f.exits(0)
	t.Logf("after SIGTERM: idle clients told within %v, process gone after %v", idleAfter, time.Since(terminated))

	text := read(t, taken)
	for i, n := range answered {
		if n > 0 && !strings.Contains(text, line(idle+loaded+i, n-1)) {
			t.Errorf("client %d got an answer that is not in the file", i)
		}
	}
}

// untilClosed keeps sixteen messages in flight until the server closes with
// 1001, answers that, and returns how many were answered, in order. It
// reports to under when it has got going.
func untilClosed(c *wire.Conn, line func(n int) string, under chan<- struct{}) (answered int, err error) {
	sent := 0
	for {
		for sent < answered+16 {
			if err := c.Send(wire.Fin|wire.Text, []byte(line(sent))); err != nil {
				return answered, fmt.Errorf("send: %w", err)
			}
			sent++
		}
		frame, err := c.Next()
		if err != nil {
			return answered, err
		}
		switch {
		case frame.Opcode == wire.Close:
			if frame.Code() != 1001 {
				return answered, fmt.Errorf("closed with %d, not with 1001", frame.Code())
			}
			return answered, c.Send(wire.Fin|wire.Close, frame.Payload)
		case string(frame.Payload) != line(answered):
			return answered, fmt.Errorf("got %.100q, not %.100q", frame.Payload, line(answered))
		}
		if answered++; answered == 100 {
			under <- struct{}{}
		}
	}
}

// farewell waits for close 1001 with nothing before it, and answers.
func farewell(c *wire.Conn) error {
	frame, err := c.Next()
	if err != nil {
		return fmt.Errorf("wait for close 1001: %w", err)
	}
	if frame.Opcode != wire.Close || frame.Code() != 1001 {
		return fmt.Errorf("got opcode %d, %.100q, not close 1001", frame.Opcode, frame.Payload)
	}
	return c.Send(wire.Fin|wire.Close, frame.Payload)
}

// await polls until something is true.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx := withPatience(t)
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited for too long until %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
