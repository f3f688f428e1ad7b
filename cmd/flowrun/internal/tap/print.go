package tap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"unicode"
)

// printer prints events in one format.
type printer interface {
	event(m *message) error
	end() error // is called once, behind the last event
}

var printers = map[string]func(io.Writer) printer{
	"pretty": func(w io.Writer) printer { return &pretty{w} },
	"ndjson": func(w io.Writer) printer { return &ndjson{w} },
	"json":   func(w io.Writer) printer { return &list{to: w} },
}

// ndjson is a line for each event: what the API tells of it, and when it passed.
type ndjson struct{ to io.Writer }

func (p *ndjson) event(m *message) error {
	_, err := p.to.Write(append(m.line(), '\n'))
	return err
}

func (p *ndjson) end() error { return nil }

// line puts when the event passed before what is told of it.
func (m *message) line() []byte {
	line := fmt.Appendf(nil, `{"timestamp":%q`, m.Timestamp.Format("2006-01-02T15:04:05.000Z07:00"))
	if inside := bytes.TrimPrefix(m.Data, []byte("{")); len(inside) > 1 {
		line = append(append(line, ','), inside...)
	}
	return line
}

// list is one list of all events, indented.
type list struct {
	to io.Writer
	n  int
}

func (p *list) event(m *message) error {
	sep := ",\n  "
	if p.n == 0 {
		sep = "[\n  "
	}
	p.n++
	var b bytes.Buffer
	b.WriteString(sep)
	if err := json.Indent(&b, m.line(), "  ", "  "); err != nil {
		return err
	}
	_, err := p.to.Write(b.Bytes())
	return err
}

func (p *list) end() error {
	text := "\n]\n"
	if p.n == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(p.to, text)
	return err
}

// pretty is a line for each event for people: when it passed, whose it is, and what
// it is.
type pretty struct{ to io.Writer }

func (p *pretty) event(m *message) error {
	var e struct {
		Size     uint64          `json:"size"`
		TooLarge bool            `json:"too_large"`
		Problem  string          `json:"problem"`
		Event    json.RawMessage `json:"event"`
		Origins  []string        `json:"origins"`
		Peer     *struct {
			Connector string `json:"connector"`
			Host      string `json:"host"`
			Port      any    `json:"port"` // a number, or a text that says that it is not shown
		} `json:"peer"`
	}
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return err
	}
	who := "-"
	switch {
	case e.Peer != nil && e.Peer.Host != "":
		who = e.Peer.Host
		if port, ok := e.Peer.Port.(float64); ok {
			who = net.JoinHostPort(who, strconv.Itoa(int(port)))
		}
	case e.Peer != nil:
		who = e.Peer.Connector
	case len(e.Origins) > 0:
		who = fmt.Sprintf("%d connections", len(e.Origins))
	}
	what := string(e.Event)
	switch {
	case e.TooLarge:
		what = fmt.Sprintf("(%d bytes: too large to be shown)", e.Size)
	case e.Problem != "":
		what = "(" + e.Problem + ")"
	}
	_, err := fmt.Fprintf(p.to, "%s  %-21s  %s\n", m.Timestamp.Local().Format("15:04:05.000"), who, printable(what))
	return err
}

func (p *pretty) end() error { return nil }

// printable leaves out what a terminal would obey to.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
