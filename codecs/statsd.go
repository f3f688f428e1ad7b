package codecs

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

var statsdSpec = flow.Spec[flow.CodecConfig]{
	Name:    "statsd",
	Summary: "a message is one metric of StatsD",
	Doc: `A metric is ` + "`name:value|type`" + `, as in ` + "`gorets:1|c|@0.1|#shop:7,beta`" + `. It becomes

` + "```json" + `
{ "metric": "gorets", "type": "c", "value": 1, "sample_rate": 0.1, "tags": { "shop": "7", "beta": null } }
` + "```" + `

The type is ` + "`c`, `g`, `ms`, `s`, `h` or `d`" + `; the value is a number, and with ` + "`s`" + ` a string. A gauge with a sign changes what is there:
` + "`action`" + ` is then ` + "`\"add\"` or `\"sub\"`" + `, and the value has no sign. The sample rate, the tags, the container (` + "`|c:`" + `) and the time in seconds
(` + "`|T`" + `) of DogStatsD are there where the message has them. Of a tag that is there twice, the last value counts. Outwards, the same keys are
written; others are an error.

A connector that names no processors uses ` + "`separate`" + `: one metric a line.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = "statsd"
}

connect "counters" {
  from  = connector.edge
  where = event.type == "c"
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig { return &statsdConfig{MaxTags: 100} },
}

type statsdConfig struct {
	MaxTags int `hcl:"max_tags" min:"0" max:"10000" doc:"most tags of a metric, inwards"`
}

func (c *statsdConfig) New() (func() flow.Codec, error) { return one(statsdCodec(*c)), nil }
func (*statsdConfig) Text() bool                        { return true }

// Framing is for connectors that name no processors; flows asks for it.
func (*statsdConfig) Framing(bool) (in, out string) { return lines, lines }

type statsdCodec statsdConfig

var statsdTypes = map[string]bool{"c": true, "g": true, "ms": true, "s": true, "h": true, "d": true}

func (c statsdCodec) Decode(e *flow.Event, frame []byte) error {
	o, err := c.read(string(frame))
	if err != nil {
		return fmt.Errorf("decode a message as StatsD: %w", err)
	}
	e.SetPayload(flow.MapOf(o))
	return nil
}

func (c statsdCodec) read(s string) (*flow.Object, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("it is not UTF-8 at byte %d", invalidAt([]byte(s)))
	}
	first, rest, _ := strings.Cut(strings.TrimSuffix(s, "\n"), "|")
	colon := strings.LastIndexByte(first, ':')
	typ, sections, more := strings.Cut(rest, "|")
	switch {
	case colon < 1:
		return nil, errors.New("it does not begin with name:value|type")
	case !statsdTypes[typ]:
		return nil, fmt.Errorf("there is no type %.20q at byte %d: c, g, ms, s, h or d is meant", typ, len(first)+1)
	}
	if severalValues(first[:colon]) {
		return nil, fmt.Errorf("it has several values, %.20q: send one a message", first[strings.IndexByte(first, ':')+1:])
	}
	o := flow.ObjectOf(flow.Field{Key: "metric", Value: flow.TextOf(first[:colon])}, flow.Field{Key: "type", Value: flow.TextOf(typ)})
	value := first[colon+1:]
	action := ""
	if typ == "g" && value != "" {
		action = map[byte]string{'+': "add", '-': "sub"}[value[0]]
	}
	switch {
	case typ == "s":
		o.Set("value", flow.TextOf(value))
	case action != "":
		value = value[1:]
		o.Set("action", flow.TextOf(action))
		fallthrough
	default:
		if !jsontext.IsNumber(value) || action != "" && value[0] == '-' {
			return nil, fmt.Errorf("its value %.20q at byte %d is no number", value, colon+1)
		}
		o.Set("value", flow.NumberOf(value))
	}
	for at := len(first) + len(typ) + 2; more; {
		var section string
		section, sections, more = strings.Cut(sections, "|")
		if err := c.section(o, section); err != nil {
			return nil, fmt.Errorf("%w at byte %d", err, at)
		}
		at += len(section) + 1
	}
	return o, nil
}

// severalValues reports whether what stands before the last colon ends with a
// number behind another one, as DogStatsD packs values: a:1:2|h. All other colons
// belong to the name.
func severalValues(name string) bool {
	colon := strings.LastIndexByte(name, ':')
	return colon >= 0 && jsontext.IsNumber(name[colon+1:])
}

// section reads what stands behind the type.
func (c statsdCodec) section(o *flow.Object, s string) error {
	switch {
	case strings.HasPrefix(s, "@") && jsontext.IsNumber(s[1:]):
		o.Set("sample_rate", flow.NumberOf(s[1:]))
	case strings.HasPrefix(s, "T") && jsontext.IsNumber(s[1:]):
		o.Set("timestamp", flow.NumberOf(s[1:]))
	case strings.HasPrefix(s, "c:"):
		o.Set("container", flow.TextOf(s[2:]))
	case strings.HasPrefix(s, "#"):
		if n := strings.Count(s, ",") + 1; n > c.MaxTags {
			return fmt.Errorf("it has %d tags, and max_tags is %d,", n, c.MaxTags)
		}
		tags := flow.NewObject(4)
		for tag := range strings.SplitSeq(s[1:], ",") {
			key, value, valued := strings.Cut(tag, ":")
			switch {
			case tag == "":
			case valued:
				tags.Set(key, flow.TextOf(value))
			default:
				tags.Set(key, flow.NullValue)
			}
		}
		o.Set("tags", flow.MapOf(tags))
	default:
		return fmt.Errorf("there is a section %.20q that is no sample rate (@), tags (#), container (c:) or time (T)", s)
	}
	return nil
}

func (c statsdCodec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	b, err := appendStatsd(dst, v)
	if err != nil {
		return dst, fmt.Errorf("encode a payload as StatsD: %w", err)
	}
	return b, nil
}

func appendStatsd(dst []byte, v flow.Value) ([]byte, error) {
	m := statsdMetric{}
	if v.Kind() != flow.Map {
		return dst, fmt.Errorf("it is of type %v, not an object", v.Kind())
	}
	for _, f := range v.Object().Fields() {
		if err := m.set(f.Key, f.Value); err != nil {
			return dst, fmt.Errorf("%q %w", f.Key, err)
		}
	}
	switch {
	case m.name == "" || m.value == "" && m.typ != "s" || m.typ == "":
		return dst, errors.New("it needs metric, type and value")
	case m.typ == "s" != m.text:
		return dst, errors.New("its value must be a string with type \"s\", and a number with others")
	case m.sign != "" && (m.typ != "g" || m.value[0] == '-'):
		return dst, errors.New("action is for gauges, with a value that has no sign")
	case m.typ == "g" && m.sign == "" && m.value[0] == '-':
		return dst, errors.New("a gauge below zero cannot be set: a sign means that it changes")
	}
	dst = append(append(append(dst, m.name...), ':'), m.sign...)
	dst = append(append(append(dst, m.value...), '|'), m.typ...)
	return append(dst, m.rest...), nil
}

// statsdMetric is what has been seen of a metric that is written.
type statsdMetric struct {
	name, typ, sign, value string
	text                   bool // the value is one
	rest                   []byte
}

var (
	errStatsdKind = errors.New("is of the wrong type")
	errStatsdText = errors.New("holds characters that mean something in StatsD")
	errStatsdType = errors.New("is none of c, g, ms, s, h and d")
	errStatsdName = errors.New("ends with a colon and a number, which would be read as a value")
	errStatsdKey  = errors.New("is no key of a metric: omit it")
)

func (m *statsdMetric) set(key string, v flow.Value) error {
	if v.IsNull() {
		return nil
	}
	var number string
	if v.IsNumber() {
		b, err := jsontext.Append(nil, v, false)
		if err != nil {
			return err
		}
		number = string(b)
	}
	s, special := v.Text(), "|\n"
	switch {
	case key == "metric" && v.Kind() == flow.Text:
		if m.name = s; severalValues(s) {
			return errStatsdName
		}
	case key == "type" && v.Kind() == flow.Text:
		if m.typ = s; !statsdTypes[s] {
			return errStatsdType
		}
	case key == "value" && number != "":
		m.value = number
	case key == "value" && v.Kind() == flow.Text:
		m.value, m.text, special = s, true, "|\n:"
	case key == "action" && (s == "add" || s == "sub"):
		m.sign = map[string]string{"add": "+", "sub": "-"}[s]
	case key == "sample_rate" && number != "":
		m.rest = append(append(m.rest, "|@"...), number...)
	case key == "timestamp" && number != "":
		m.rest = append(append(m.rest, "|T"...), number...)
	case key == "container" && v.Kind() == flow.Text:
		m.rest = append(append(m.rest, "|c:"...), s...)
	case key == "tags" && v.Kind() == flow.Map:
		return m.tags(v.Object())
	case strings.Contains(" metric type value action sample_rate timestamp container tags ", " "+key+" "):
		return errStatsdKind
	default:
		return errStatsdKey
	}
	if strings.ContainsAny(s, special) || !utf8.ValidString(s) {
		return errStatsdText
	}
	return nil
}

func (m *statsdMetric) tags(o *flow.Object) error {
	separator := "|#"
	if o.Len() == 0 {
		m.rest = append(m.rest, separator...)
	}
	for _, f := range o.Fields() {
		text := f.Key
		switch {
		case f.Value.Kind() == flow.Text:
			text += ":" + f.Value.Text()
		case !f.Value.IsNull():
			return errStatsdKind
		}
		if f.Key == "" && f.Value.IsNull() || strings.ContainsAny(f.Key, "|\n,:") || strings.ContainsAny(text, "|\n,") || !utf8.ValidString(text) {
			return errStatsdText
		}
		m.rest = append(append(m.rest, separator...), text...)
		separator = ","
	}
	return nil
}
