// Package gelf has the codec for GELF, the format in which programs send log
// messages to Graylog.
//
// A message is a JSON object with a few keys that mean something and any number
// of others, each of which begins with an underscore and holds a string or a
// number. Inwards it stays the JSON that it is, lazy like that of the codec
// json. Outwards an object is made into one: that is done by the rules that Fluent
// Bit's output follows, so that both spell a record alike.
package gelf

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/flowrun/flowrun/codecs/internal/stamp"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Spec is the codec's row of the table.
var Spec = flow.Spec[flow.CodecConfig]{
	Name:    "gelf",
	Summary: "a message is one log message in GELF 1.1",
	Doc: `Inwards, the payload is the JSON object as it comes; one without a ` + "`short_message`" + ` that is a string, and a ` + "`version`" + ` other than 1.0
or 1.1, are an error. An event whose payload the flow does not change leaves as it came. Chunked datagrams want the
preprocessor ` + "`gelf_chunking`" + ` before, on TCP messages end with a zero byte: ` + "`{ name = \"separate\", separator = \"\\u0000\" }`" + `, which a connector that names no
processors uses.

Outwards, an object becomes a message:

- ` + "`short_message`" + ` is what the object has under ` + "`short_message_key`" + `; without one, it is an error. ` + "`host`" + ` is the object's or, where it has
  none, the argument's; without either, it is an error. ` + "`version`" + ` is "1.1".
- ` + "`timestamp`" + ` is the object's, as seconds, RFC 3339 or ` + "`2026-11-21 02:13:16.605547`" + `; without one, when the event arrived. It has milliseconds.
- ` + "`level`" + ` is a number from 0 to 7 or its name: emerg, alert, crit, err, warning, notice, info, debug. ` + "`full_message`, `facility`, `line`" + ` and
  ` + "`file`" + ` are written as they are.
- All other keys begin with an underscore, which is put in front of them where there is none; characters other than letters, digits,
  ` + "`_`, `.` and `-`" + ` become ` + "`_`" + `. What is nested is written under the keys that lead to it, joined by ` + "`_`" + `, in lists their place.
  Bools are written as strings, bytes as base64 text; nulls and ` + "`id`" + ` (which GELF forbids) are left out.
- Keys longer than ` + "`max_key`" + `, and more than ` + "`max_fields`" + `, are an error. Of keys that become the same, the last value counts.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = { name = "gelf", host = "edge.example.org", short_message_key = "log" }
}

connect "urgent" {
  from  = connector.edge
  where = event.level < 4
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig {
		return &config{ShortMessageKey: "short_message", MaxDepth: jsontext.DefaultDepth, MaxFields: 1000, MaxKey: 256}
	},
}

type config struct {
	Host            string       `hcl:"host" doc:"host of messages whose object has none, outwards"`
	ShortMessageKey string       `hcl:"short_message_key" doc:"key of an object under which it has its message, outwards"`
	MaxDepth        int          `hcl:"max_depth" min:"1" max:"10000" doc:"how deep lists and objects may be nested, inwards"`
	MaxFields       int          `hcl:"max_fields" min:"1" max:"100000" doc:"most keys of a message, outwards"`
	MaxKey          setting.Size `hcl:"max_key" min:"16B" doc:"longest key, outwards"`
}

func (c *config) New() (func() flow.Codec, error) {
	if c.ShortMessageKey == "" {
		return nil, &setting.Error{Field: "short_message_key", Err: errors.New("short_message_key is empty")}
	}
	return func() flow.Codec { return (*codec)(c) }, nil
}

func (*config) Text() bool { return true }

// MediaType implements flow.MediaTyper.
func (*config) MediaType() string { return "application/json" }

// Framing is for connectors that name no processors; flows asks for it.
func (*config) Framing(stream bool) (in, out string) {
	if !stream {
		return "", ""
	}
	const zero = `{ name = "separate", separator = "\u0000" }`
	return zero, zero
}

type codec config

func (c *codec) Decode(e *flow.Event, frame []byte) error {
	raw, err := jsontext.Check(frame, c.MaxDepth)
	if err == nil {
		err = check(raw)
	}
	if err != nil {
		return fmt.Errorf("decode a message as GELF: %w", err)
	}
	e.Raw, e.Form, e.Value = raw, form{}, flow.NullValue
	return nil
}

// check looks for what every message has.
func check(raw []byte) error {
	json := jsontext.Form{}
	if json.Kind(raw) != flow.Map {
		return errors.New("it is no JSON object")
	}
	if kindAt(raw, "short_message") != flow.Text {
		return errors.New("it has no short_message that is a string")
	}
	if at, ok := json.Find(raw, []flow.Step{{Key: "version"}}); ok {
		if s := string(at); s != `"1.1"` && s != `"1.0"` && s != "1.1" && s != "1.0" {
			return fmt.Errorf("its version is %.20s: 1.1 is known here", s)
		}
	}
	return nil
}

func kindAt(raw []byte, key string) flow.Kind {
	at, ok := jsontext.Form{}.Find(raw, []flow.Step{{Key: key}})
	if !ok {
		return flow.Null
	}
	return jsontext.Form{}.Kind(at)
}

func (c *codec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	if _, ok := e.Form.(form); ok {
		return jsontext.AppendLine(dst, e.Raw), nil
	}
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	m, err := c.message(v, e.Time)
	if err != nil {
		return dst, fmt.Errorf("encode a payload as GELF: %w", err)
	}
	return jsontext.Append(dst, flow.MapOf(m), false)
}

// form reads messages that came by this codec, which leave as they came.
type form struct{ jsontext.Form }

func (c *codec) message(v flow.Value, arrived int64) (*flow.Object, error) {
	if v.Kind() != flow.Map {
		return nil, fmt.Errorf("it is of type %v, not an object: map it to one", v.Kind())
	}
	in := v.Object()
	w := writer{out: flow.NewObject(in.Len() + 4), cfg: c}
	w.out.Set("version", flow.TextOf("1.1"))
	host, _ := in.Get("host")
	if host.Kind() != flow.Text || host.Text() == "" {
		if host = flow.TextOf(c.Host); c.Host == "" {
			return nil, errors.New("it has no host: map one, or give the codec the argument host")
		}
	}
	w.out.Set("host", host)
	short, _ := in.Get(c.ShortMessageKey)
	if short.Kind() != flow.Text {
		return nil, fmt.Errorf("it has no %q that is a string: map one, or name another key by short_message_key", c.ShortMessageKey)
	}
	w.out.Set("short_message", short)
	ns := arrived
	if t, there := in.Get("timestamp"); there && !t.IsNull() {
		var ok bool
		if ns, ok = stamp.Double.Read(t); !ok {
			return nil, errors.New("its timestamp is no time")
		}
	}
	w.out.Set("timestamp", stamp.Seconds(ns, 3))
	for _, f := range in.Fields() {
		switch f.Key {
		case "version", "host", "timestamp", "short_message", c.ShortMessageKey:
			if f.Key != c.ShortMessageKey && f.Key == "short_message" {
				w.add("_short_message", f.Value)
			}
		case "level":
			level, err := levelOf(f.Value)
			if err != nil {
				return nil, err
			}
			w.out.Set("level", level)
		case "full_message", "facility", "line", "file":
			if k := f.Value.Kind(); k == flow.Text || f.Value.IsNumber() {
				w.out.Set(f.Key, f.Value)
				continue
			}
			w.add("_"+f.Key, f.Value)
		case "id", "_id":
		default:
			w.add(underscored(f.Key), f.Value)
		}
	}
	return w.out, w.err
}

// levels are the names of the levels, as syslog has them.
var levels = [...][]string{
	{"emerg", "emergency", "panic", "fatal"}, {"alert"}, {"crit", "critical"}, {"err", "error"},
	{"warning", "warn"}, {"notice"}, {"info", "informational", "information"}, {"debug", "trace"},
}

func levelOf(v flow.Value) (flow.Value, error) {
	if v.Kind() == flow.Int && v.Int() >= 0 && v.Int() < int64(len(levels)) {
		return v, nil
	}
	name := strings.ToLower(v.Text())
	for i, names := range levels {
		if v.Kind() == flow.Text && name == string(rune('0'+i)) {
			return flow.IntOf(int64(i)), nil
		}
		for _, n := range names {
			if v.Kind() == flow.Text && name == n {
				return flow.IntOf(int64(i)), nil
			}
		}
	}
	return v, errors.New("its level is neither a number from 0 to 7 nor a name of one, like \"warning\"")
}

// writer adds the keys of one message. After an error it adds no more.
type writer struct {
	out *flow.Object
	cfg *codec
	err error
}

func (w *writer) add(key string, v flow.Value) {
	if w.err != nil {
		return
	}
	if len(key) > int(w.cfg.MaxKey) {
		w.err = fmt.Errorf("the key %.40s… is longer than max_key %v", key, w.cfg.MaxKey)
		return
	}
	switch v.Kind() {
	case flow.Null:
		return
	case flow.Map:
		for _, f := range v.Object().Fields() {
			w.add(key+"_"+f.Key, f.Value)
		}
		return
	case flow.List:
		for i, x := range v.List() {
			w.add(fmt.Sprintf("%s_%d", key, i), x)
		}
		return
	case flow.Bool:
		v = flow.TextOf(map[bool]string{true: "true", false: "false"}[v.Bool()])
	}
	if key = cleaned(key); key == "_id" {
		return
	}
	w.out.Set(key, v)
	if w.out.Len() > w.cfg.MaxFields {
		w.err = fmt.Errorf("it has more than max_fields %d keys", w.cfg.MaxFields)
	}
}

func underscored(key string) string {
	if strings.HasPrefix(key, "_") {
		return key
	}
	return "_" + key
}

// cleaned is a key of the characters that GELF allows.
func cleaned(key string) string {
	if !utf8.ValidString(key) {
		key = strings.ToValidUTF8(key, "_")
	}
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_.-", c) {
			return c
		}
		return '_'
	}, key)
}
