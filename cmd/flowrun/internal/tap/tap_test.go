package tap

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const talk = `: connected

data: {"type":"tap.begin","timestamp":"2026-03-01T12:00:00.000Z","data":{"flow":"echo","place":"connect.echo","sample":1,"rate":100,"limit":0,"max_size":65536}}

data: {"type":"tap.event","timestamp":"2026-03-01T12:00:01.250Z","data":{"time":"2026-03-01T12:00:01.2499Z","size":7,"event":{"n":1.0},"meta":{},"peer":{"id":"x","connector":"edge","host":"::1","port":5000}}}

data: {"type":"tap.event","timestamp":"2026-03-01T12:00:02.000Z","data":{"time":null,"size":70000,"too_large":true,"event":null,"meta":null,"peer":{"id":"x","connector":"in","host":null,"port":null}}}

: still here

data: {"type":"tap.counts","timestamp":"2026-03-01T12:00:02.500Z","data":{"passed":9,"unsampled":3,"over_rate":2,"lost":0,"shown":4}}

data: {"type":"tap.event","timestamp":"2026-03-01T12:00:03.000Z","data":{"time":null,"size":8,"event":"a\u001b[2J` + "\u009b" + `2J","meta":null,"peer":null,"origins":["a","b"]}}

data: {"type":"tap.event","timestamp":"2026-03-01T12:00:04.000Z","data":{"size":8,"event":null,"meta":null,"peer":{"host":"[redacted]","port":"[redacted]"},"problem":"encode +Inf"}}

data: {"type":"tap.end","timestamp":"2026-03-01T12:00:05.000Z","data":{"reason":"limit","passed":10,"unsampled":3,"over_rate":2,"lost":1,"shown":4}}

data: {"type":"tap.event","timestamp":"2026-03-01T12:00:06.000Z","data":{"event":"behind the end"}}

`

func TestFormats(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	for format, want := range map[string]string{
		"pretty": `12:00:01.250  [::1]:5000             {"n":1.0}
12:00:02.000  in                     (70000 bytes: too large to be shown)
12:00:03.000  2 connections          "a\u001b[2J` + "\u009b" + `2J"
12:00:04.000  [redacted]             (encode +Inf)
`,
		"ndjson": `{"timestamp":"2026-03-01T12:00:01.250Z","time":"2026-03-01T12:00:01.2499Z","size":7,"event":{"n":1.0},"meta":{},"peer":{"id":"x","connector":"edge","host":"::1","port":5000}}
{"timestamp":"2026-03-01T12:00:02.000Z","time":null,"size":70000,"too_large":true,"event":null,"meta":null,"peer":{"id":"x","connector":"in","host":null,"port":null}}
{"timestamp":"2026-03-01T12:00:03.000Z","time":null,"size":8,"event":"a\u001b[2J` + "\u009b" + `2J","meta":null,"peer":null,"origins":["a","b"]}
{"timestamp":"2026-03-01T12:00:04.000Z","size":8,"event":null,"meta":null,"peer":{"host":"[redacted]","port":"[redacted]"},"problem":"encode +Inf"}
`,
	} {
		var out strings.Builder
		var last counts
		p := printers[format](&out)
		why, err := read(strings.NewReader(talk), func(m *message) error {
			if m.Type != "tap.event" {
				return m.counts(&last)
			}
			return p.event(m)
		})
		if err := errors.Join(err, p.end()); err != nil || why != "limit" {
			t.Errorf("%s: %q, %v", format, why, err)
		}
		if diff := cmp.Diff(strings.ReplaceAll(want, "\u009b", "\ufffd"), out.String()); diff != "" && format == "pretty" {
			t.Errorf("%s:\n%s", format, diff)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" && format != "pretty" {
			t.Errorf("%s:\n%s", format, diff)
		}
		if got := last.String(); got != "4 of the 10 events that passed are shown, 3 left out by chance, 2 over the rate, 1 lost, since this was too slow" {
			t.Error(got)
		}
	}
}

// TestWhatIsKnownAtCtrlC is about what was told of the events since the last counts.
func TestWhatIsKnownAtCtrlC(t *testing.T) {
	last := counts{Passed: 10, OverRate: 4}
	for _, number := range []string{"9", "12"} {
		if err := (&message{Data: []byte(`{"number":` + number + `}`)}).number(&last); err != nil {
			t.Fatal(err)
		}
	}
	if last.Passed != 12 {
		t.Error(last)
	}
}

func TestList(t *testing.T) {
	for n, want := range []string{"[]\n", "[\n  {\n    \"timestamp\": \"0001-01-01T00:00:00.000Z\",\n    \"event\": [\n      1\n    ]\n  }\n]\n"} {
		var out strings.Builder
		p := printers["json"](&out)
		for range n {
			if err := p.event(&message{Data: []byte(`{"event":[1]}`)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.end(); err != nil || out.String() != want {
			t.Errorf("%v: %s", err, out.String())
		}
	}
}

func TestStreamsThatBreakOff(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"data: {\"type\":\"tap.event\"}\n":   "",
		"data: {\n\n":                        "no message",
		"data: {\"type\":\"tap.end\"}\n":     "unexpected end",
		strings.Repeat("x", maxMessage) + "": "more than 64 MiB",
	} {
		why, err := read(strings.NewReader(text), func(*message) error { return nil })
		if why != "" || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %q, %v", text, why, err)
		}
	}
	stop := errors.New("no more")
	if _, err := read(strings.NewReader(talk), func(*message) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestPath(t *testing.T) {
	for place, want := range map[string]string{
		"connect.echo":             "/api/v1/tap/connect.echo?limit=1",
		`a/connector.e["x y"].out`: "/api/v1/tap/a/connector.e%5B%22x%20y%22%5D.out?limit=1",
		"a?b#c":                    "/api/v1/tap/a%3Fb%23c?limit=1",
	} {
		if got := pathOf(place, url.Values{"limit": {"1"}}); got != want {
			t.Error(got)
		}
	}
}
