package syslog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/codecs/internal/stamp"
	"github.com/flowrun/flowrun/runtime/flow"
)

func (c *codec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	b, err := c.write(dst, v, e.Time)
	if err != nil {
		return dst, fmt.Errorf("encode a payload as syslog: %w", err)
	}
	return b, nil
}

// The most characters of each part, by RFC 5424.
const (
	maxHostname = 255
	maxAppname  = 48
	maxProcID   = 128
	maxMsgID    = 32
	maxSDName   = 32
)

func (c *codec) write(dst []byte, v flow.Value, arrived int64) ([]byte, error) {
	if v.Kind() != flow.Map {
		return dst, fmt.Errorf("it is of type %v, not an object", v.Kind())
	}
	p := parts{o: v.Object()}
	priority := p.oneOf("facility", facilities, 1)*8 + p.oneOf("severity", severities, 5)
	at := p.time(arrived)
	old := c.cfg.Format == "rfc3164" || c.cfg.Format == "auto" && p.text("protocol") == "rfc3164"
	hostname, appname := p.token("hostname", maxHostname), p.token("appname", maxAppname)
	procid, msgid := p.token("procid", maxProcID), p.token("msgid", maxMsgID)
	message := p.text("message")
	p.others()
	dst = append(strconv.AppendInt(append(dst, '<'), int64(priority), 10), '>')
	if old {
		return p.old(dst, at.In(c.zone), hostname, appname, procid, message)
	}
	if dst = append(dst, "1 "...); at.IsZero() {
		dst = append(dst, "- "...)
	} else {
		dst = append(at.AppendFormat(dst, rfc3339Micro), ' ')
	}
	for _, token := range []string{hostname, appname, procid, msgid} {
		if token == "" {
			token = "-"
		}
		dst = append(append(dst, token...), ' ')
	}
	dst = p.structured(dst)
	if _, there := p.o.Get("message"); there {
		dst = append(append(dst, ' '), message...)
	}
	return dst, p.err
}

const rfc3339Micro = "2006-01-02T15:04:05.999999Z07:00"

// parts takes the parts of a message out of an object, and keeps the first
// error.
type parts struct {
	o   *flow.Object
	err error
}

func (p *parts) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *parts) text(key string) string {
	v, _ := p.o.Get(key)
	if !v.IsNull() && (v.Kind() != flow.Text || !utf8.ValidString(v.Text())) {
		p.fail("its %s is of type %v, not a string in UTF-8", key, v.Kind())
	}
	return v.Text()
}

// token is a part without spaces, of visible ASCII characters.
func (p *parts) token(key string, longest int) string {
	s := p.text(key)
	if len(s) > longest || !visible(s) {
		p.fail("its %s is longer than %d characters, or one of them is a space or not ASCII", key, longest)
	}
	return s
}

func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' })
}

func (p *parts) oneOf(key string, names []string, missing int) int {
	s := p.text(key)
	if s == "" {
		return missing
	}
	i := slices.Index(names, s)
	if i < 0 {
		p.fail("there is no %s %.20q: %s is meant", key, s, strings.Join(names, ", "))
		return missing
	}
	return i
}

// time is the message's, or when the event arrived; the zero time where nobody
// knows that.
func (p *parts) time(arrived int64) time.Time {
	v, _ := p.o.Get("timestamp")
	switch {
	case v.IsNull() && arrived == 0:
		return time.Time{}
	case v.IsNull():
		return time.Unix(0, arrived).UTC()
	}
	if v.Kind() == flow.Text {
		if t, err := time.Parse(time.RFC3339Nano, v.Text()); err == nil && t.Year() >= 0 && t.Year() <= 9999 {
			return t // in its own zone
		}
	}
	ns, ok := stamp.Double.Read(v)
	if !ok {
		p.fail("its timestamp is no time")
	}
	return time.Unix(0, ns).UTC()
}

// others looks for keys that would be lost.
func (p *parts) others() {
	for _, f := range p.o.Fields() {
		if !slices.Contains(keys, f.Key) {
			p.fail("%q is no part of a message: put it into structured_data, or omit it", f.Key)
		}
	}
}

var keys = []string{"protocol", "facility", "severity", "timestamp", "hostname", "appname", "procid", "msgid", "structured_data", "message"}

func (p *parts) old(dst []byte, at time.Time, hostname, appname, procid, message string) ([]byte, error) {
	if _, there := p.o.Get("structured_data"); there {
		p.fail("RFC 3164 has no structured data")
	}
	if _, there := p.o.Get("msgid"); there {
		p.fail("RFC 3164 has no msgid")
	}
	if hostname == "" {
		p.fail("RFC 3164 wants a hostname")
	}
	dst = append(append(at.AppendFormat(dst, time.Stamp), ' '), hostname...)
	dst = append(dst, ' ')
	if appname != "" {
		if strings.ContainsAny(appname+procid, "[]:") {
			p.fail("its appname or procid has a bracket or a colon, with which it would end in RFC 3164")
		}
		dst = append(dst, appname...)
		if procid != "" {
			dst = append(append(append(dst, '['), procid...), ']')
		}
		dst = append(dst, ": "...)
	} else if procid != "" {
		p.fail("RFC 3164 has no procid without an appname")
	}
	return append(dst, message...), p.err
}

var errSDName = errors.New("names in structured_data have at most 32 visible ASCII characters other than =, ] and quotes")

// structured appends the structured data.
func (p *parts) structured(dst []byte) []byte {
	v, _ := p.o.Get("structured_data")
	if v.IsNull() || v.Kind() == flow.Map && v.Object().Len() == 0 {
		return append(dst, '-')
	}
	if v.Kind() != flow.Map {
		p.fail("its structured_data is of type %v, not an object of objects", v.Kind())
	}
	for _, element := range v.Object().Fields() {
		dst = p.name(append(dst, '['), element.Key)
		if element.Value.Kind() != flow.Map {
			p.fail("in structured_data, %q is of type %v, not an object", element.Key, element.Value.Kind())
		}
		for _, param := range element.Value.Object().Fields() {
			dst = p.name(append(dst, ' '), param.Key)
			if param.Value.Kind() != flow.Text || !utf8.ValidString(param.Value.Text()) {
				p.fail("in structured_data, %q is of type %v, not a string", param.Key, param.Value.Kind())
			}
			dst = append(append(dst, `="`...), escape.Replace(param.Value.Text())...)
			dst = append(dst, '"')
		}
		dst = append(dst, ']')
	}
	return dst
}

var escape = strings.NewReplacer(`"`, `\"`, `\`, `\\`, `]`, `\]`)

func (p *parts) name(dst []byte, s string) []byte {
	if s == "" || len(s) > maxSDName || !visible(s) || strings.ContainsAny(s, `=]"`) {
		p.fail("%w", errSDName)
	}
	return append(dst, s...)
}
