package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/tests/process"
)

// message is what connections send: 143 bytes of JSON with the numbers of the
// connection and of the message, and the newline.
const message = `{"conn":"{conn}","seq":"{seq}","symbol":"EURUSD","price":1.08342,"size":250000,` +
	`"side":"buy","venue":"XTKS","tags":["a","b"],"note":"01234"}` + "\n"

// patience is what a load generator gets beyond the time that it measures:
// for connecting, settling and leaving. Then it ends, whatever holds it up.
const patience = 60 * time.Second

// outcome is what a load generator found.
type outcome struct {
	Messages          int64   `json:"messages"` // that came in the window
	MessagesPerSecond float64 `json:"messages_per_second"`
	Latency           struct {
		P99 float64 `json:"p99"`
	} `json:"latency_us"`
	Server struct {
		CPU        float64 `json:"cpu_us_per_message"`
		Processors float64 `json:"processors"`
	} `json:"server_process"`
}

// load runs `flowrun bench` against a server. Anything that is wrong with one
// answer is an error.
func (b *bench) load(ctx context.Context, c kase, s *server, reply string) (outcome, error) {
	args := []string{
		"bench", "--json", "--pid", strconv.Itoa(s.PID()), "--timeout", "20s",
		"--warmup", min(b.window/4, 500*time.Millisecond).String(), "--duration", b.window.String(),
		"--connections", strconv.Itoa(c.connections), "--message", message,
	}
	if c.crowd != (others{}) {
		args = append(args, "--rate", strconv.Itoa(perSecond))
	} else {
		args = append(args, "--in-flight", strconv.Itoa(c.depth))
	}
	if reply != "" {
		args = append(args, "--expect", reply)
	}
	if c.fanOut {
		args = append(args, "--broadcast")
	}
	opts := process.Options{Env: []string{"GOGC=400"}}
	if b.pin {
		opts.CPU = 2
	}
	ctx, cancel := context.WithTimeout(ctx, b.window+patience)
	defer cancel()
	p, err := process.Start(ctx, opts, b.binary, append(args, "ws://"+s.addr+c.path())...)
	if err != nil {
		return outcome{}, err
	}
	defer p.Kill()
	code, err := p.Wait(ctx)
	if err != nil {
		return outcome{}, err
	}
	if code != 0 {
		return outcome{}, fmt.Errorf("load generator: %s%s", p.Stdout, strings.TrimSpace(p.Stderr.String()))
	}
	var out outcome
	if err := json.Unmarshal([]byte(p.Stdout.String()), &out); err != nil {
		return outcome{}, fmt.Errorf("read what the load generator found: %w", err)
	}
	return out, nil
}
