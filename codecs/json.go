package codecs

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/flowrun/flowrun/codecs/internal/stamp"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

var jsonSpec = flow.Spec[flow.CodecConfig]{
	Name:    "json",
	Summary: "a message is one JSON text",
	Doc: `What a JSON text is, RFC 8259 says; around it stands nothing but white space. Everything else goes to ` + "`err`" + `: trailing bytes,
control characters in strings, unknown escapes, leading zeros, bytes that are not UTF-8, a byte order mark, lists and
objects nested deeper than ` + "`max_depth`" + `, and the empty message (the preprocessor ` + "`remove_empty`" + ` drops those). How long a
message may be is decided before it comes here, by the connector or a preprocessor.

An event whose payload the flow does not change leaves as it came: the order of keys, the spelling of numbers and the
white space are kept, except that line breaks are taken out, so that a message is one line (unless ` + "`indent`" + ` asks for
several). So do the lists and objects in a payload that the flow has changed or made, where they are as they came: only
what is around them is spelled anew. With ` + "`sort_keys`" + ` or ` + "`indent`" + `, everything is; numbers that nobody computed with still
keep their spelling: ` + "`42.0`" + ` stays ` + "`42.0`" + `.

- Of a key that an object has twice, the last value counts.
- An escape that is half of a surrogate pair (` + "`\"\\ud83d\"`" + `) is accepted, because the grammar allows it and JavaScript writes
  it; in a payload that is looked at, it reads as U+FFFD, the replacement character.
- Bytes are written as base64 text; in strings that are not UTF-8, bad bytes are replaced by U+FFFD. Numbers that JSON
  does not know (not a number, infinity) are an error. ` + "`<`, `>` and `&`" + ` are written as they are.
- With ` + "`date_key`" + `, an object is written with the time of its event, which is when it arrived, at its beginning, spelled as
  ` + "`date_format`" + ` says: ` + "`1795227184.60552`" + ` (double), ` + "`1795227184`" + ` (epoch), ` + "`1795227184605`" + ` (epoch_ms),
  ` + "`\"2026-11-21T02:13:04.605520Z\"`" + ` (iso8601) or ` + "`\"2026-11-21 02:13:04.605520\"`" + ` (java_sql_timestamp). What has the key already, keeps it as it
  is. In a list, each object gets the time of the list: what the step ` + "`batch`" + ` puts together needs a ` + "`map`" + ` in front of it, like
  ` + "`merge({ date = epoch_ms() / 1000 }, event)`" + `, for times of its own. Inwards it means nothing.
- With ` + "`indent`" + `, messages have several lines: the postprocessor ` + "`separate`" + ` refuses them, unless its separator is no line
  break.`,
	Example: `connector "ws_server" "edge" {
  url            = "127.0.0.1:4242"
  preprocessors  = ["separate"]
  codec          = { name = "json", sort_keys = true, max_depth = 32 }
  postprocessors = ["separate"]
}

connect "greetings" {
  from  = connector.edge
  where = event.type == "greeting"
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig {
		return &jsonConfig{MaxDepth: jsontext.DefaultDepth, Date: stamp.Date{Format: stamp.Double}}
	},
}

type jsonConfig struct {
	SortKeys bool `hcl:"sort_keys" doc:"write the keys of objects in the order of their bytes"`
	Indent   int  `hcl:"indent" min:"0" max:"8" doc:"spaces for each level; 0 writes everything in one line"`
	MaxDepth int  `hcl:"max_depth" min:"1" max:"10000" doc:"how deep lists and objects may be nested, inwards"`
	stamp.Date
}

func (c *jsonConfig) New() (func() flow.Codec, error) {
	return one(&jsonCodec{maxDepth: c.MaxDepth, style: jsontext.Style{SortKeys: c.SortKeys, Indent: c.Indent}, date: c.Named()}), nil
}

func (*jsonConfig) Text() bool { return true }

// MediaType implements flow.MediaTyper (RFC 8259).
func (*jsonConfig) MediaType() string { return "application/json" }

type jsonCodec struct {
	maxDepth int
	style    jsontext.Style
	date     stamp.Date
}

func (c *jsonCodec) Decode(e *flow.Event, frame []byte) error {
	raw, err := jsontext.Check(frame, c.maxDepth)
	switch {
	case err == nil:
		e.Raw, e.Form, e.Value = raw, jsontext.Form{}, flow.NullValue
		return nil
	case errors.Is(err, jsontext.ErrEmpty):
		return errEmptyJSON
	case errors.Is(err, jsontext.ErrDepth):
		return fmt.Errorf("decode a message as JSON: %w: max_depth of the codec allows more", err)
	}
	return fmt.Errorf("decode a message as JSON: %w", err)
}

var errEmptyJSON = fmt.Errorf("decode a message as JSON: %w: use the preprocessor \"remove_empty\" to drop such messages", jsontext.ErrEmpty)

func (c *jsonCodec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	if _, ok := e.Form.(jsontext.Form); ok && c.style == (jsontext.Style{}) {
		if c.date.Key == "" {
			return jsontext.AppendLine(dst, e.Raw), nil
		}
		if e.Form.Kind(e.Raw) == flow.Map {
			return c.dated(dst, e)
		}
	}
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	if c.date.Key != "" {
		v = c.date.On(v, e.Time)
	}
	return c.style.Append(dst, v)
}

// dated appends an untouched object, with the time at its beginning.
func (c *jsonCodec) dated(dst []byte, e *flow.Event) ([]byte, error) {
	if _, there := e.Form.Find(e.Raw, []flow.Step{{Key: c.date.Key}}); there {
		return jsontext.AppendLine(dst, e.Raw), nil
	}
	dst, err := jsontext.Append(append(dst, '{'), flow.TextOf(c.date.Key), false)
	if err != nil {
		return dst, err
	}
	dst, err = jsontext.Append(append(dst, ':'), c.date.Format.Of(e.Time), false)
	if err != nil {
		return dst, err
	}
	comma := len(dst)
	dst = jsontext.AppendLine(dst, e.Raw)
	if fields := bytes.TrimLeft(dst[comma+1:], " \t"); fields[0] == '}' {
		return append(dst[:comma], '}'), nil
	}
	dst[comma] = ','
	return dst, nil
}
