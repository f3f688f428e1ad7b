// Package influx has the codec for the line protocol of InfluxDB.
//
// A line is a point: a measurement with tags, which are strings, fields, which
// are numbers, strings or bools, and a time. The parser is InfluxData's own.
package influx

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/influxdata/line-protocol/v2/lineprotocol"

	"github.com/flowrun/flowrun/runtime/flow"
)

// Spec is the codec's row of the table.
var Spec = flow.Spec[flow.CodecConfig]{
	Name:    "influx",
	Summary: "a message is one point in the line protocol of InfluxDB",
	Doc: `A line ` + "`weather,city=Graz temp=21.5,ok=true 1795227184000000000`" + ` becomes

` + "```json" + `
{ "measurement": "weather", "tags": { "city": "Graz" }, "fields": { "temp": 21.5, "ok": true }, "timestamp": 1795227184000000000 }
` + "```" + `

The time is a number in the unit of ` + "`precision`" + `; a line without one becomes an object without ` + "`timestamp`" + `. Outwards the same keys are
wanted; without a ` + "`timestamp`" + ` the line has none. Numbers that are spelled as integers are written as such (` + "`21i`" + `, and ` + "`u`" + ` for those beyond 63
bits), all others as floats: a field that is a float at one time and an integer at another, as JSON may have it, is refused by
InfluxDB, so map it with care. Nulls are left out. Measurements, tags and keys of fields that the protocol cannot say are an error:
empty ones, and those with a line break or a backslash at their end.

An empty line and a comment (` + "`#`" + `) are an error; the messages of a connector that names no processors are lines without empty ones.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = { name = "influx", precision = "s" }
}

connect "hot" {
  from  = connector.edge
  where = event.measurement == "weather" && event.fields.temp > 30
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig { return &config{Precision: "ns", MaxFields: 1000} },
}

type config struct {
	Precision string `hcl:"precision" oneof:"ns|us|ms|s" doc:"unit of the time"`
	MaxFields int    `hcl:"max_fields" min:"1" max:"100000" doc:"most tags and fields of a point, inwards"`
}

var precisions = map[string]lineprotocol.Precision{
	"ns": lineprotocol.Nanosecond, "us": lineprotocol.Microsecond, "ms": lineprotocol.Millisecond, "s": lineprotocol.Second,
}

func (c *config) New() (func() flow.Codec, error) {
	precision := precisions[c.Precision]
	return func() flow.Codec { return &codec{precision, c.MaxFields} }, nil
}

func (*config) Text() bool { return true }

// Framing is for connectors that name no processors; flows asks for it.
func (*config) Framing(bool) (in, out string) {
	return `{ name = "separate", skip_empty = true }`, `"separate"`
}

type codec struct {
	precision lineprotocol.Precision
	maxFields int
}

var errNoLine = errors.New("it has no point: drop empty lines and comments before")

func (c *codec) Decode(e *flow.Event, frame []byte) error {
	o, err := c.read(frame)
	if err != nil {
		var at *lineprotocol.DecodeError
		if errors.As(err, &at) {
			err = fmt.Errorf("%.200s at byte %d", at.Err.Error(), at.Column-1) // it quotes all of a name
		}
		return fmt.Errorf("decode a message as InfluxDB's line protocol: %w", err)
	}
	e.SetPayload(flow.MapOf(o))
	return nil
}

func (c *codec) read(frame []byte) (*flow.Object, error) {
	// It unescapes in place, and may be given what others read too.
	d := lineprotocol.NewDecoderWithBytes(append([]byte(nil), frame...))
	if !d.Next() {
		return nil, errNoLine
	}
	measurement, err := d.Measurement()
	if err != nil {
		return nil, err
	}
	o := flow.ObjectOf(flow.Field{Key: "measurement", Value: flow.TextOf(string(measurement))})
	tags, fields := flow.NewObject(4), flow.NewObject(4)
	for {
		key, value, err := d.NextTag()
		if err != nil {
			return nil, err
		}
		if key == nil {
			break
		}
		tags.Set(string(key), flow.TextOf(string(value)))
		if tags.Len() > c.maxFields {
			return nil, fmt.Errorf("it has more than max_fields %d tags", c.maxFields)
		}
	}
	for {
		key, value, err := d.NextField()
		if err != nil {
			return nil, err
		}
		if key == nil {
			break
		}
		fields.Set(string(key), valueOf(value))
		if fields.Len() > c.maxFields {
			return nil, fmt.Errorf("it has more than max_fields %d fields", c.maxFields)
		}
	}
	o.Set("tags", flow.MapOf(tags))
	o.Set("fields", flow.MapOf(fields))
	spelled, err := d.TimeBytes()
	if err != nil {
		return nil, err
	}
	if len(spelled) > 0 {
		n, err := strconv.ParseInt(string(spelled), 10, 64)
		if err != nil {
			return nil, errors.New("its time does not fit 64 bits")
		}
		o.Set("timestamp", flow.IntOf(n))
	}
	if d.Next() {
		return nil, errors.New("another line follows: send one a message, or use the preprocessor \"separate\"")
	}
	return o, nil
}

func valueOf(v lineprotocol.Value) flow.Value {
	switch v.Kind() {
	case lineprotocol.Int:
		return flow.IntOf(v.IntV())
	case lineprotocol.Uint:
		return flow.NumberOf(strconv.FormatUint(v.UintV(), 10))
	case lineprotocol.Bool:
		return flow.BoolOf(v.BoolV())
	case lineprotocol.String:
		return flow.TextOf(v.StringV())
	}
	return flow.FloatOf(v.FloatV())
}

func (c *codec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	b, err := c.line(v)
	if err != nil {
		return dst, fmt.Errorf("encode a payload as InfluxDB's line protocol: %w", err)
	}
	return append(dst, b...), nil
}

func (c *codec) line(v flow.Value) ([]byte, error) {
	measurement, _ := v.Object().Get("measurement")
	tags, _ := v.Object().Get("tags")
	fields, _ := v.Object().Get("fields")
	switch {
	case measurement.Text() == "" || measurement.Kind() != flow.Text:
		return nil, errors.New("it is no object with a measurement that is a string, and not empty")
	case !tags.IsNull() && tags.Kind() != flow.Map:
		return nil, fmt.Errorf("its tags are of type %v, not an object", tags.Kind())
	case fields.Kind() != flow.Map:
		return nil, fmt.Errorf("its fields are of type %v, not an object", fields.Kind())
	}
	for _, f := range v.Object().Fields() {
		if !strings.Contains(" measurement tags fields timestamp ", " "+f.Key+" ") {
			return nil, fmt.Errorf("%q is no part of a point: put it into fields or tags", f.Key)
		}
	}
	if err := nameable(measurement.Text()); err != nil {
		return nil, fmt.Errorf("its measurement %.40q %w", measurement.Text(), err)
	}
	var w lineprotocol.Encoder
	w.SetLax(true) // tags stay in their order; it checks nothing then, so nameable does
	w.SetPrecision(c.precision)
	w.StartLine(measurement.Text())
	for _, f := range tags.Object().Fields() {
		if f.Value.IsNull() {
			continue
		}
		if f.Value.Kind() != flow.Text {
			return nil, fmt.Errorf("its tag %q is of type %v, not a string: map it with tostring()", f.Key, f.Value.Kind())
		}
		for _, s := range []string{f.Key, f.Value.Text()} {
			if err := nameable(s); err != nil {
				return nil, fmt.Errorf("its tag %.40q %w", f.Key, err)
			}
		}
		w.AddTag(f.Key, f.Value.Text())
	}
	written := 0
	for _, f := range fields.Object().Fields() {
		if f.Value.IsNull() {
			continue
		}
		x, err := fieldOf(f.Value)
		if err == nil {
			err = nameable(f.Key)
		}
		if err != nil {
			return nil, fmt.Errorf("its field %.40q %w", f.Key, err)
		}
		w.AddField(f.Key, x)
		written++
	}
	if written == 0 {
		return nil, errors.New("it has no fields")
	}
	at, err := c.timeOf(v)
	if err != nil {
		return nil, err
	}
	w.EndLine(at)
	if err := w.Err(); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(string(w.Bytes()), "\n")), nil
}

// nameable says whether a reader would take a measurement, a tag or the key of a
// field for what it is: none of them can hold a line break, however it is
// escaped, and a line with one would be two.
func nameable(s string) error {
	switch {
	case s == "":
		return errors.New("is empty, or has an empty value: the protocol cannot say that")
	case s[0] == '#':
		return errors.New("begins with #, as comments do")
	case strings.HasSuffix(s, `\`):
		return errors.New("ends with a backslash, which would escape what follows it")
	case strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("has a line break or another control character: replace() it")
	case !utf8.ValidString(s):
		return errors.New("is no UTF-8")
	}
	return nil
}

// timeOf is the point's time; the zero time where it has none.
func (c *codec) timeOf(v flow.Value) (time.Time, error) {
	t, _ := v.Object().Get("timestamp")
	unit := int64(c.precision.Duration())
	switch {
	case t.IsNull():
		return time.Time{}, nil
	case t.Kind() != flow.Int:
		return time.Time{}, errors.New("its timestamp is no integer: map it with floor() or epoch()")
	case t.Int() > math.MaxInt64/unit || t.Int() < math.MinInt64/unit:
		return time.Time{}, errors.New("its timestamp is beyond what nanoseconds in 64 bits can say: check precision")
	}
	return time.Unix(0, t.Int()*unit), nil
}

func fieldOf(v flow.Value) (lineprotocol.Value, error) {
	switch v.Kind() {
	case flow.Bool:
		return lineprotocol.BoolValue(v.Bool()), nil
	case flow.Int:
		return lineprotocol.IntValue(v.Int()), nil
	case flow.Text:
		if x, ok := lineprotocol.StringValue(v.Text()); ok {
			return x, nil
		}
		return lineprotocol.Value{}, errors.New("is no UTF-8")
	case flow.Float, flow.Number:
		if u, err := strconv.ParseUint(v.Text(), 10, 64); err == nil {
			return lineprotocol.UintValue(u), nil
		}
		if x, ok := lineprotocol.FloatValue(v.Float()); ok {
			return x, nil
		}
		return lineprotocol.Value{}, errors.New("is infinite or no number")
	}
	return lineprotocol.Value{}, fmt.Errorf("is of type %v: fields are numbers, strings and bools", v.Kind())
}
