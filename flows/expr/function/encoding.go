package function

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/yamltext"
)

var encodings = []Function{
	{
		Name: "jsonencode", Group: groupEncoding, Params: params(value("value")), Returns: flow.OfText, Call1: jsonEncode,
		Doc:      "the value as JSON in one line; bytes as a string in base64",
		Examples: []Example{{`jsonencode({ a = [1, null, "x"] })`, `"{\"a\":[1,null,\"x\"]}"`}},
	},
	{
		Name: "jsondecode", Group: groupEncoding, Params: params(textOrBytes("json")), Returns: flow.OfAny, Call1: jsonDecode,
		Doc:      "the value that the string spells in JSON",
		Examples: []Example{{`jsondecode("{\"a\": [1, 2.0]}")`, `{"a":[1,2.0]}`}},
	},
	{
		Name: "yamlencode", Group: groupEncoding, Params: params(value("value")), Returns: flow.OfText, Call1: yamlEncode,
		Doc:      "the value as YAML in block style",
		Examples: []Example{{`yamlencode({ a = [1, "x"] })`, `"a:\n  - 1\n  - x\n"`}},
	},
	{
		Name: "yamldecode", Group: groupEncoding, Params: params(text("yaml")), Returns: flow.OfAny, Call1: yamlDecode,
		Doc:      "the value that the string, one document of up to 64 KiB, spells in YAML",
		Examples: []Example{{`yamldecode("a: [1, x]\nb: &n 2.50\nc: *n")`, `{"a":[1,"x"],"b":2.50,"c":2.50}`}},
	},
	{
		Name: "csvdecode", Group: groupEncoding, Params: params(text("csv")), Returns: flow.OfList, Call1: csvDecode,
		Doc:      "a list with an object for each line of the CSV but the first, which has the keys; all values are strings",
		Examples: []Example{{`csvdecode("a,b\n1,2\n3,4")`, `[{"a":"1","b":"2"},{"a":"3","b":"4"}]`}},
	},
	{
		Name: "base64encode", Group: groupEncoding, Params: params(textOrBytes("value")), Returns: flow.OfText, Call1: base64Encode,
		Doc:      "the string or bytes in base64",
		Examples: []Example{{`base64encode("hello")`, `"aGVsbG8="`}},
	},
	{
		Name: "base64decode", Group: groupEncoding, Params: params(text("string")), Returns: flow.OfText | flow.OfBytes, Call1: base64Decode,
		Doc:      "what is in the base64, in the standard or the URL alphabet, padded or not: a string where it is UTF-8, else bytes; bytes() and utf8() make sure of either",
		Examples: []Example{{`base64decode("aGVsbG8=")`, `"hello"`}, {`type(base64decode("_w"))`, `"bytes"`}},
	},
	{
		Name: "urlencode", Group: groupEncoding, Params: params(text("string")), Returns: flow.OfText,
		Call1: func(v flow.Value) (flow.Value, error) {
			if len(v.Text()) > MaxText/3 {
				return flow.NullValue, errTooLong
			}
			return flow.TextOf(url.QueryEscape(v.Text())), nil
		},
		Doc:      "the string as it stands in the query of a URL",
		Examples: []Example{{`urlencode("a b&ü")`, `"a+b%26%C3%BC"`}},
	},
	{
		Name: "hexencode", Group: groupEncoding, Params: params(textOrBytes("value")), Returns: flow.OfText, Call1: hexEncode,
		Doc:      "the string or bytes in hexadecimal digits",
		Examples: []Example{{`hexencode("Hi")`, `"4869"`}},
	},
	{
		Name: "hexdecode", Group: groupEncoding, Params: params(text("string")), Returns: flow.OfText | flow.OfBytes, Call1: hexDecode,
		Doc:      "what is in the hexadecimal digits: a string where it is UTF-8, else bytes; bytes() and utf8() make sure of either",
		Examples: []Example{{`hexdecode("4869")`, `"Hi"`}, {`type(hexdecode("ff"))`, `"bytes"`}},
	},
}

// octets are the bytes of a string or of bytes, not to be changed.
func octets(v flow.Value) []byte {
	if s := v.Text(); s != "" {
		return unsafe.Slice(unsafe.StringData(s), len(s))
	}
	return v.Bytes()
}

// decoded is what an encoding held.
func decoded(b []byte) flow.Value {
	if utf8.Valid(b) {
		return flow.TextOf(string(b))
	}
	return flow.BytesOf(b)
}

// compactJSON is how functions spell JSON, whatever its spelling was.
var compactJSON = jsontext.Style{Compact: true}

func jsonEncode(v flow.Value) (flow.Value, error) {
	b, err := compactJSON.Append(nil, v)
	if err != nil {
		return flow.NullValue, err
	}
	return boundText(string(b))
}

func jsonDecode(v flow.Value) (flow.Value, error) {
	b := octets(v)
	if len(b) > MaxText {
		return flow.NullValue, errors.New("the text is longer than 16 MiB")
	}
	decoded, err := jsontext.Parse(b)
	if err != nil {
		return flow.NullValue, fmt.Errorf("the text is no JSON: %w", err)
	}
	return decoded, nil
}

func yamlEncode(v flow.Value) (flow.Value, error) {
	b, err := yamltext.Append(nil, v)
	if err != nil {
		return flow.NullValue, err
	}
	return boundText(string(b))
}

func yamlDecode(v flow.Value) (flow.Value, error) { return yamltext.Parse([]byte(v.Text())) }

func csvDecode(v flow.Value) (flow.Value, error) {
	r := csv.NewReader(strings.NewReader(v.Text()))
	names, err := r.Read()
	if err != nil {
		return flow.NullValue, csvProblem(err)
	}
	known := map[string]bool{}
	for _, name := range names {
		if known[name] {
			return flow.NullValue, errors.New("the first line of the CSV has a key twice")
		}
		known[name] = true
	}
	var rows []flow.Value
	r.ReuseRecord = true
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return flow.ListOf(rows), nil
		}
		if err != nil {
			return flow.NullValue, csvProblem(err)
		}
		if (len(rows)+1)*len(names) > MaxElements {
			return flow.NullValue, errTooMany
		}
		o := flow.NewObject(len(names))
		for i, field := range record {
			o.Set(names[i], flow.TextOf(field))
		}
		rows = append(rows, flow.MapOf(o))
	}
}

func csvProblem(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the CSV is empty: it needs a line with the keys")
	}
	return fmt.Errorf("the text is no CSV: %w", err)
}

func base64Encode(v flow.Value) (flow.Value, error) {
	b := octets(v)
	if base64.StdEncoding.EncodedLen(len(b)) > MaxText {
		return flow.NullValue, errTooLong
	}
	return flow.TextOf(base64.StdEncoding.EncodeToString(b)), nil
}

func base64Decode(v flow.Value) (flow.Value, error) {
	s := strings.TrimRight(v.Text(), "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		encoding = base64.RawURLEncoding
	}
	padding := len(v.Text()) - len(s)
	b, err := encoding.DecodeString(s)
	if err != nil || padding > 2 {
		return flow.NullValue, errors.New("the string is no base64")
	}
	return decoded(b), nil
}

func hexEncode(v flow.Value) (flow.Value, error) {
	b := octets(v)
	if hex.EncodedLen(len(b)) > MaxText {
		return flow.NullValue, errTooLong
	}
	return flow.TextOf(hex.EncodeToString(b)), nil
}

func hexDecode(v flow.Value) (flow.Value, error) {
	b, err := hex.DecodeString(v.Text())
	if err != nil {
		return flow.NullValue, errors.New("the string is not of pairs of hexadecimal digits")
	}
	return decoded(b), nil
}
