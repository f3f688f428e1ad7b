package top

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/admin"
	"github.com/flowrun/flowrun/runtime/status"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func one(flow, name string, state status.State, n admin.Counters) admin.Connector {
	return admin.Connector{Brief: admin.Brief{Flow: flow, Type: "ws_server", Name: name, State: state}, Up: state.Up(), Counters: n}
}

// since returns a reading, a second after one in which all counters were 0.
func since(started time.Time, now ...admin.Connector) *reading {
	then := admin.Status{Started: started, Readiness: admin.Readiness{Ready: true, Phase: status.Running}}
	for _, c := range now {
		c.Counters = admin.Counters{}
		then.Connectors = append(then.Connectors, c)
	}
	s := then
	s.Connectors = now
	return newReading("http://127.0.0.1:8686", at(1), s, nil, newReading("", at(0), then, nil, nil))
}

func text(r *reading, columns, rows int) string {
	var all []string
	for _, l := range r.lines(columns, rows) {
		all = append(all, l.text)
	}
	return strings.Join(all, "\n")
}

func TestTable(t *testing.T) {
	down := one("trade", "upstream", status.BackingOff, admin.Counters{})
	down.LastError = "dial tcp 10.0.0.9:443:\x1b[2Jconnection refused"
	retry := at(3)
	down.NextRetry = &retry
	paused := one("trade", "in", status.Open, admin.Counters{})
	paused.Paused = true
	r := since(at(-125),
		one("echo", "edge", status.Open, admin.Counters{Connections: 120, EventsIn: 12345, EventsOut: 999, Waiting: 3}),
		down,
		paused,
		one("trade", "a_name_that_is_longer_than_the_column", status.Open, admin.Counters{EventsIn: 3, Lost: 1, Dropped: 1_500_000, Failed: 7}),
	)
	for columns, want := range map[int]string{
		80: `flowrun at 127.0.0.1:8686   ready, running for 2m6s                     12:00:01

CONNECTOR               STATE         CONNS    IN/s   OUT/s QUEUED   LOST FAILED
trade/upstream          backing off       0       0       0      0      0      0
trade/in                paused            0       0       0      0      0      0
echo/edge               open            120   12.3k     999      3      0      0
trade/a_name_that_is_l… open              0       3       0      0   1.5M      7

trade/upstream: dial tcp 10.0.0.9:443: [2Jconnection refused, next attempt in 2s`,
		110: `flowrun at 127.0.0.1:8686   ready, running for 2m6s                                                   12:00:01

CONNECTOR                                   STATE         CONNS    IN/s   OUT/s QUEUED   LOST FAILED
trade/upstream                              backing off       0       0       0      0      0      0
trade/in                                    paused            0       0       0      0      0      0
echo/edge                                   open            120   12.3k     999      3      0      0
trade/a_name_that_is_longer_than_the_column open              0       3       0      0   1.5M      7

trade/upstream: dial tcp 10.0.0.9:443: [2Jconnection refused, next attempt in 2s`,
		50: `flowrun at 127.0.0.1:8686   ready, running for 2m…

CONNECTOR    STATE         CONNS    IN/s   OUT/s …
trade/upstr… backing off       0       0       0 …
trade/in     paused            0       0       0 …
echo/edge    open            120   12.3k     999 …
trade/a_nam… open              0       3       0 …

trade/upstream: dial tcp 10.0.0.9:443: [2Jconnect…`,
	} {
		if diff := cmp.Diff(want, text(r, columns, 24)); diff != "" {
			t.Errorf("%d columns:\n%s", columns, diff)
		}
	}
	if got := text(r, 80, 5); !strings.HasSuffix(got, "\nand 3 more") || strings.Count(got, "\n") != 4 {
		t.Errorf("5 rows:\n%s", got)
	}
}

// TestFits shows that no terminal is too small, and no reading too large.
func TestFits(t *testing.T) {
	var many []admin.Connector
	for i := range 30 {
		c := one(strings.Repeat("f", i), strings.Repeat("ü", i), []status.State{status.Open, status.Failed}[i%2], admin.Counters{EventsIn: 1 << (2 * i), Lost: 1 << 63})
		c.LastError = "no"
		many = append(many, c)
	}
	readings := []*reading{since(at(0), many...), since(at(0)), newReading("http://x", at(0), admin.Status{}, errors.New("no"), nil)}
	for columns := range 100 {
		for rows := 1; rows < 50; rows += 3 {
			for i, r := range readings {
				lines := r.lines(columns, rows)
				if len(lines) > max(rows, 4) {
					t.Fatalf("reading %d: %d lines in %d rows", i, len(lines), rows)
				}
				for _, l := range lines {
					if n := utf8.RuneCountInString(l.text); n > columns {
						t.Fatalf("reading %d: %d letters in %d columns: %q", i, n, columns, l.text)
					}
				}
			}
		}
	}
}

func TestRates(t *testing.T) {
	edge := func(in uint64) admin.Connector { return one("f", "edge", status.Open, admin.Counters{EventsIn: in}) }
	status := func(started int, in uint64) admin.Status {
		return admin.Status{Started: at(started), Connectors: []admin.Connector{edge(in)}}
	}
	var r *reading
	var got []string
	for _, s := range []struct {
		at  int
		s   admin.Status
		err error
	}{
		{0, status(-9, 100), nil},            // nothing to compare with
		{2, status(-9, 300), nil},            // 100 a second
		{3, status(-9, 300), nil},            // nothing
		{4, admin.Status{}, errors.New("x")}, // gone
		{5, status(-9, 500), nil},            // back: not known for how long
		{6, status(-9, 510), nil},            //
		{7, status(-9, 2), nil},              // the connector is another one
		{8, status(7, 4), nil},               // the process is another one
	} {
		r = newReading("", at(s.at), s.s, s.err, r)
		rate := "gone"
		if r.err == nil {
			rate = r.connectors[0].rate(r.connectors[0].In)
		}
		got = append(got, rate)
	}
	if diff := cmp.Diff("- 100 0 gone - 10 - -", strings.Join(got, " ")); diff != "" {
		t.Error(diff)
	}
}

func TestNotHeardOf(t *testing.T) {
	r := since(at(-10), one("f", "edge", status.Open, admin.Counters{}))
	for i := 2; i < 5; i++ {
		r = newReading(r.address, at(i), admin.Status{}, errors.New("nothing listens at 127.0.0.1:8686"), r)
	}
	if got := text(r, 80, 24); !strings.Contains(got, "not heard of for 3s:\nnothing listens at 127.0.0.1:8686") {
		t.Error(got)
	}
	if got := r.json(); got.Error == "" || got.Ready || got.Connectors == nil {
		t.Errorf("%+v", got)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0", 0.04: "0.0", 1: "1", 1.25: "1.2", 9.94: "9.9", 9.96: "10", 99.4: "99", 999.4: "999", 999.6: "1.0k", 1000: "1.0k", 12_345: "12.3k",
		99_940: "99.9k", 99_960: "100k", 999_499: "999k", 999_600: "1.0M", 1e9: "1.0G", 5e14: "500T", 1e15: "1.0P", 1 << 63: "9E",
	} {
		if got := number(n); got != want {
			t.Errorf("%s: %s, not %s", fmt.Sprint(n), got, want)
		}
	}
}

func TestDraining(t *testing.T) {
	edge := one("f", "edge", status.Open, admin.Counters{Connections: 3})
	s := admin.Status{Readiness: admin.Readiness{Phase: status.Draining}, Started: at(-10), Connectors: []admin.Connector{edge}}
	got := text(newReading("http://127.0.0.1:8686", at(0), s, nil, nil), 80, 24)
	if !strings.HasPrefix(got, "flowrun at 127.0.0.1:8686   not ready, draining for 10s ") || !strings.Contains(got, "f/edge       open              3       -       -") {
		t.Error(got)
	}
}
