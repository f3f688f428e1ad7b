// Package avro has the codec for values in Avro's binary encoding.
//
// Such a value says nothing about itself: schema.go reads, once, what the
// fields and branches of a schema are called and in which order they stand;
// value.go makes values of the flow language of what the library has decoded, and
// the other way round. The library keeps to the schema, and to bounds of its own
// for what a few bytes could make it allocate.
package avro

import (
	"errors"
	"fmt"
	"os"

	"github.com/twmb/avro"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Spec is the codec's row of the table.
var Spec = flow.Spec[flow.CodecConfig]{
	Name:    "avro",
	Summary: "a message is one value in Avro's binary encoding",
	Doc: `The schema of all messages is given by ` + "`schema`, or by `schema_file`" + `, which is read at the start. With ` + "`single_object`" + `, a message begins
with the fingerprint of its schema, as Avro's single-object encoding has it, and one of another schema is an error. Files of
Avro, which have many values, and schemas that are fetched by a number from a registry are not for this codec.

| Avro | flow |
|---|---|
| null, boolean, int, long, float, double, string | the same; floats and doubles may be infinite or no number, which JSON cannot say |
| bytes, fixed | bytes |
| enum | string |
| array, map, record | list, object, object with the fields in the order of the schema |
| union | the value itself |
| date, timestamp-millis, -micros and -nanos, the same local ones | string: ` + "`\"2026-11-21\"`, `\"2026-11-21T02:13:07.605Z\"`" + ` |
| time-millis, time-micros | number, of that unit |
| decimal | number in decimals |
| uuid | string |
| duration | object with ` + "`months`, `days` and `milliseconds`" + ` |

Outwards, a value must fit the schema: a number that an int cannot hold, an unknown symbol, a missing field without a default, and a
key that is no field are errors. Numbers that are whole may be given as floats. Of a union, the first branch that the value fits is
written. Maps have no order in Avro, and inwards that of their keys.

Bytes behind the value are an error, and so is nesting deeper than ` + "`max_depth`" + `. On streams, put a processor in between that frames messages,
like ` + "`length_prefix`" + `.`,
	Example: `connector "ws_server" "edge" {
  url = "127.0.0.1:4242"
  codec = {
    name = "avro"
    schema = jsonencode({
      type = "record"
      name = "reading"
      fields = [
        { name = "sensor", type = "string" },
        { name = "value", type = ["null", "double"], default = null },
      ]
    })
  }
}

connect "echo" {
  from  = connector.edge
  where = event.value != null
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig { return &Config{MaxDepth: 512} },
}

// Config is the configuration of the codec.
type Config struct {
	Schema       string       `hcl:"schema" doc:"schema of all messages, as JSON"`
	SchemaFile   setting.Path `hcl:"schema_file" doc:"file with the schema, instead"`
	SingleObject bool         `hcl:"single_object" doc:"messages begin with the fingerprint of their schema"`
	MaxDepth     int          `hcl:"max_depth" min:"1" max:"1000" doc:"how deep values may be nested, inwards"`
}

// New implements flow.CodecConfig. It reads the schema.
func (c *Config) New() (func() flow.Codec, error) {
	field, text := "schema", c.Schema
	switch {
	case (c.Schema == "") == (c.SchemaFile == ""):
		return nil, &setting.Error{Field: "schema", Err: errors.New("avro needs a schema: give either schema or schema_file")}
	case c.SchemaFile != "":
		b, err := os.ReadFile(string(c.SchemaFile))
		if err != nil {
			return nil, &setting.Error{Field: "schema_file", Err: err}
		}
		field, text = "schema_file", string(b)
	}
	s, err := avro.Parse(text)
	if err != nil {
		return nil, &setting.Error{Field: field, Err: fmt.Errorf("it is no schema of Avro: %w", err)}
	}
	codec := &codec{schema: s, typ: typeOf(s), single: c.SingleObject, maxDepth: c.MaxDepth}
	return func() flow.Codec { return codec }, nil
}

// Text implements flow.CodecConfig.
func (*Config) Text() bool { return false }

// MediaType implements flow.MediaTyper; the name is that of Avro's
// specification.
func (*Config) MediaType() string { return "avro/binary" }

type codec struct {
	schema   *avro.Schema
	typ      *typ
	single   bool
	maxDepth int
}

func (c *codec) Decode(e *flow.Event, frame []byte) error {
	v, err := c.read(frame)
	if err != nil {
		return fmt.Errorf("decode a message of Avro: %w", err)
	}
	e.SetPayload(v)
	return nil
}

func (c *codec) read(frame []byte) (flow.Value, error) {
	decode := c.schema.Decode
	if c.single {
		decode = c.schema.DecodeSingleObject
	}
	var x any
	rest, err := decode(frame, &x, avro.TaggedUnions())
	switch {
	case err != nil:
		return flow.NullValue, err
	case len(rest) > 0:
		return flow.NullValue, fmt.Errorf("the value ends at byte %d, and more follows", len(frame)-len(rest))
	}
	return c.typ.value(x, c.maxDepth)
}

func (c *codec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	x, err := c.typ.native(v)
	if err != nil {
		return dst, fmt.Errorf("encode a payload as Avro: %w", err)
	}
	encode := c.schema.AppendEncode
	if c.single {
		encode = c.schema.AppendSingleObject
	}
	b, err := encode(dst, x)
	if err != nil {
		return dst, fmt.Errorf("encode a payload as Avro: %w", err)
	}
	return b, nil
}
