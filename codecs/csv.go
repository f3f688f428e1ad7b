package codecs

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/setting"
)

var csvSpec = flow.Spec[flow.CodecConfig]{
	Name:    "csv",
	Summary: "a message is one row of a table, or a table with its header",
	Doc: `What a row is, RFC 4180 says: fields with a separator between them, in double quotes where they hold one, a quote or a line
break. The payload is a list of strings or, with ` + "`columns`" + `, an object with these keys. With ` + "`header`" + `, a message is a table whose
first row names the columns, and the payload is a list of objects; the step ` + "`split`" + ` makes events of them.

A byte order mark in front, as spreadsheets write it, is passed over.
A row with another number of fields than there are columns, with more than ` + "`max_fields`" + `, with a quote in a field that does
not begin with one, or that is not UTF-8, is an error; so are a header with a name that
is there twice, and a message of several rows without ` + "`header`" + `. A connector that names no
processors uses ` + "`separate`" + `, one row a line: for fields with line breaks in them, a message must come whole, in a frame or behind its
length. A carriage return before a line break within a field is lost.

Outwards, a list or an object is written as a row: numbers and bools as in JSON, null as an empty field; lists, objects and bytes are
an error. With ` + "`columns`" + `, an object is written in their order; a missing key is an empty field, another key is an error. With ` + "`header`" + `, a
list of objects is a table, whose columns are ` + "`columns`" + ` or the keys of the first.`,
	Example: `connector "ws_server" "edge" {
  url   = "127.0.0.1:4242"
  codec = { name = "csv", columns = ["time", "sensor", "value"] }
}

connect "hot" {
  from  = connector.edge
  where = tonumber(event.value) > 30
  to    = connector.edge
}
`,
	Config: func() flow.CodecConfig { return &csvConfig{Separator: ",", MaxFields: 1000} },
}

type csvConfig struct {
	Separator string   `hcl:"separator" doc:"what stands between fields: one character"`
	Columns   []string `hcl:"columns" doc:"names of the columns; without, a row is a list"`
	Header    bool     `hcl:"header" doc:"a message is a table whose first row names the columns"`
	MaxFields int      `hcl:"max_fields" min:"1" max:"100000" doc:"most fields of a row, inwards"`
}

func (c *csvConfig) New() (func() flow.Codec, error) {
	comma, n := utf8.DecodeRuneInString(c.Separator)
	if n == 0 || n < len(c.Separator) || comma == utf8.RuneError || strings.ContainsRune("\"\r\n", comma) {
		return nil, &setting.Error{Field: "separator", Err: errors.New("separator is one character, and neither a quote nor a line break")}
	}
	seen := map[string]bool{}
	for _, name := range c.Columns {
		if seen[name] {
			return nil, &setting.Error{Field: "columns", Err: fmt.Errorf("columns has %q twice", name)}
		}
		seen[name] = true
	}
	return one(&csvCodec{*c, comma}), nil
}

func (*csvConfig) Text() bool { return true }

// MediaType implements flow.MediaTyper; the name is IANA's.
func (*csvConfig) MediaType() string { return "text/csv" }

// Framing is for connectors that name no processors; flows asks for it.
func (c *csvConfig) Framing(stream bool) (in, out string) {
	if c.Header && !stream {
		return "", ""
	}
	return lines, lines
}

// byteOrderMark is what spreadsheets write in front of their tables.
const byteOrderMark = "\ufeff"

type csvCodec struct {
	csvConfig
	comma rune
}

func (c *csvCodec) Decode(e *flow.Event, frame []byte) error {
	v, err := c.read(frame)
	if err != nil {
		return fmt.Errorf("decode a message as CSV: %w", err)
	}
	e.SetPayload(v)
	return nil
}

func (c *csvCodec) read(frame []byte) (flow.Value, error) {
	if !utf8.Valid(frame) {
		return flow.NullValue, fmt.Errorf("it is not UTF-8 at byte %d", invalidAt(frame))
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(frame, []byte(byteOrderMark))))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = c.comma, -1, true
	row, err := c.row(r)
	if err != nil {
		return flow.NullValue, err
	}
	if c.Header {
		return c.table(r, row)
	}
	v, err := rowOf(row, c.Columns)
	if err != nil {
		return v, err
	}
	switch _, err := r.Read(); {
	case errors.Is(err, io.EOF):
		return v, nil
	case err != nil:
		return v, err
	}
	return v, errors.New("another row follows: send one row a message, or set header")
}

// row reads a row within the limit.
func (c *csvCodec) row(r *csv.Reader) ([]string, error) {
	row, err := r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty: use the preprocessor \"remove_empty\" to drop such messages")
	case err != nil:
		return nil, err
	case len(row) > c.MaxFields:
		return nil, fmt.Errorf("a row has %d fields, and max_fields is %d", len(row), c.MaxFields)
	}
	return row, nil
}

func (c *csvCodec) table(r *csv.Reader, header []string) (flow.Value, error) {
	names := append([]string{}, header...)
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			return flow.NullValue, fmt.Errorf("its header names a column %.40q twice", name)
		}
		seen[name] = true
	}
	rows := []flow.Value{}
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return flow.ListOf(rows), nil
		case err != nil:
			return flow.NullValue, err
		}
		v, err := rowOf(row, names)
		if err != nil {
			line, _ := r.FieldPos(0)
			return flow.NullValue, fmt.Errorf("line %d: %w", line, err)
		}
		rows = append(rows, v)
	}
}

func rowOf(row, names []string) (flow.Value, error) {
	if names == nil {
		list := make([]flow.Value, len(row))
		for i, field := range row {
			list[i] = flow.TextOf(field)
		}
		return flow.ListOf(list), nil
	}
	if len(row) != len(names) {
		return flow.NullValue, fmt.Errorf("a row has %d fields, and there are %d columns", len(row), len(names))
	}
	o := flow.NewObject(len(row))
	for i, field := range row {
		o.Set(names[i], flow.TextOf(field))
	}
	return flow.MapOf(o), nil
}

func (c *csvCodec) Encode(dst []byte, e *flow.Event) ([]byte, error) {
	v, err := e.Payload()
	if err != nil {
		return dst, err
	}
	if c.Header {
		dst, err = c.appendTable(dst, v)
	} else {
		dst, err = c.appendRow(dst, v, c.Columns)
	}
	if err != nil {
		err = fmt.Errorf("encode a payload as CSV: %w", err)
	}
	return dst, err
}

func (c *csvCodec) appendTable(dst []byte, v flow.Value) ([]byte, error) {
	rows, names := v.List(), c.Columns
	if names == nil && len(rows) > 0 {
		for _, f := range rows[0].Object().Fields() {
			names = append(names, f.Key)
		}
	}
	if v.Kind() != flow.List || len(names) == 0 {
		return dst, errors.New("with header it takes a list of objects, and needs their keys or columns")
	}
	header := make([]flow.Value, len(names))
	for i, name := range names {
		header[i] = flow.TextOf(name)
	}
	dst, err := c.appendRow(dst, flow.ListOf(header), nil)
	for _, row := range rows {
		if err == nil && row.Kind() != flow.Map {
			err = fmt.Errorf("a row is of type %v, not an object", row.Kind())
		}
		if err == nil {
			dst, err = c.appendRow(append(dst, '\n'), row, names)
		}
	}
	return dst, err
}

// appendRow appends a list, or an object in the order of its columns.
func (c *csvCodec) appendRow(dst []byte, v flow.Value, names []string) ([]byte, error) {
	var fields []flow.Value
	switch {
	case v.Kind() == flow.List:
		fields = v.List()
		if names != nil && len(fields) != len(names) {
			return dst, fmt.Errorf("a list of %d fields is given, and there are %d columns", len(fields), len(names))
		}
	case v.Kind() == flow.Map && names != nil:
		found := 0
		fields = make([]flow.Value, len(names))
		for i, name := range names {
			field, there := v.Object().Get(name)
			if fields[i] = field; there {
				found++
			}
		}
		if found < v.Object().Len() {
			return dst, fmt.Errorf("the object has keys that are no columns (%v): omit them, or name them in columns", strings.Join(names, ", "))
		}
	case v.Kind() == flow.Map:
		for _, f := range v.Object().Fields() {
			fields = append(fields, f.Value)
		}
	default:
		return dst, fmt.Errorf("it is of type %v: a row is a list or an object", v.Kind())
	}
	if len(fields) == 0 {
		return dst, errors.New("a row needs a field at least")
	}
	for i, field := range fields {
		if i > 0 {
			dst = utf8.AppendRune(dst, c.comma)
		}
		var err error
		if dst, err = c.appendField(dst, field, len(fields) == 1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendField appends a field, in quotes where it needs them. An empty row
// would be none, so its only field is quoted.
func (c *csvCodec) appendField(dst []byte, v flow.Value, only bool) ([]byte, error) {
	var s string
	switch v.Kind() {
	case flow.Null:
	case flow.Text:
		s = v.Text()
	case flow.Bool, flow.Int, flow.Float, flow.Number:
		b, err := jsontext.Append(nil, v, false)
		if err != nil {
			return dst, err
		}
		s = string(b)
	default:
		return dst, fmt.Errorf("a field is of type %v: map it with jsonencode() or base64encode()", v.Kind())
	}
	switch {
	case !utf8.ValidString(s):
		return dst, errNotUTF8
	case only && s == "", strings.ContainsRune(s, c.comma), strings.ContainsAny(s, "\"\r\n"), strings.HasPrefix(s, " "), strings.HasPrefix(s, "\t"), strings.HasPrefix(s, byteOrderMark):
		dst = append(dst, '"')
		dst = append(dst, strings.ReplaceAll(s, `"`, `""`)...)
		return append(dst, '"'), nil
	}
	return append(dst, s...), nil
}
