package message

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/peer/wire"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/setting"
)

// Content is a message as scripts spell it, in one of several ways.
type Content struct {
	Text   flow.Expr    `hcl:"text" vars:"index|n|saved|text" doc:"the message is this text"`
	JSON   flow.Expr    `hcl:"json" vars:"index|n|saved|text" doc:"the message is this value, as JSON"`
	Hex    string       `hcl:"hex" doc:"the message is these bytes, spelled as \"00 ff\""`
	Base64 string       `hcl:"base64" doc:"the message is these bytes, in base64"`
	File   setting.Path `hcl:"file" doc:"the message is what the file holds"`
}

// Given names the arguments that are there.
func (c *Content) Given() (names []string) {
	for _, a := range []struct {
		name  string
		given bool
	}{{"text", c.Text != nil}, {"json", c.JSON != nil}, {"hex", c.Hex != ""}, {"base64", c.Base64 != ""}, {"file", c.File != ""}} {
		if a.given {
			names = append(names, a.name)
		}
	}
	return names
}

// Check finds bytes that are spelled wrongly, and too many spellings.
func (c *Content) Check() error {
	if names := c.Given(); len(names) > 1 {
		return &setting.Error{Field: names[1], Err: fmt.Errorf("a message is %s or %s, not both", names[0], names[1])}
	}
	if _, err := Unhex(c.Hex); err != nil {
		return &setting.Error{Field: "hex", Err: err}
	}
	if _, err := base64.StdEncoding.DecodeString(c.Base64); err != nil {
		return &setting.Error{Field: "base64", Err: errors.New("this is no base64 with padding")}
	}
	return nil
}

// Unhex reads bytes that are spelled as "00 ff".
func Unhex(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return nil, errors.New("this is no hex: two digits for each byte, as in \"00 ff\"")
	}
	return b, nil
}

// Bytes are the message's, and whether they are binary by nature.
func (c *Content) Bytes(s *Scope) (data []byte, binary bool, err error) {
	switch {
	case c.Text != nil:
		data, err = s.Text(c.Text, "text")
	case c.JSON != nil:
		var v flow.Value
		if v, err = s.Eval(c.JSON); err == nil {
			data, err = jsontext.Style{Compact: true}.Append(nil, v)
		}
	case c.Hex != "":
		data, err = Unhex(c.Hex)
		binary = true
	case c.Base64 != "":
		data, err = base64.StdEncoding.DecodeString(c.Base64)
		binary = true
	case c.File != "":
		data, err = readFile(c.File)
	}
	return data, binary, err
}

// maxFile bounds a file that messages are taken from.
const maxFile = 64 << 20

func readFile(path setting.Path) ([]byte, error) {
	info, err := os.Stat(string(path))
	if err == nil && info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %s", path, setting.Size(maxFile))
	}
	data, err := os.ReadFile(string(path))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, wire.Cause(err))
	}
	return data, nil
}

// Lines are those of a file, without their ends.
func Lines(path setting.Path) ([][]byte, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for line := range strings.Lines(string(data)) {
		all = append(all, []byte(strings.TrimRight(line, "\r\n")))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no lines", path)
	}
	return all, nil
}

// Event is a message as expressions see it.
func Event(m wire.Message) flow.Event {
	e := flow.Event{Meta: flow.Meta{Binary: m.Binary}, Time: m.At.UnixNano()}
	if v, err := jsontext.Parse(m.Data); err == nil {
		e.Value = v
	} else if m.Binary {
		e.Value = flow.BytesOf(m.Data)
	} else {
		e.Value = flow.TextOf(string(m.Data))
	}
	return e
}

// Source is an expression as it stands in its file, or where it stands when it
// is longer than a line or the file has gone.
func Source(x flow.Expr) string {
	m := oneLine.FindStringSubmatch(x.At())
	if m == nil {
		return "as at " + x.At()
	}
	data, err := readFile(setting.Path(m[1]))
	if err != nil {
		return "as at " + x.At()
	}
	number, _ := strconv.Atoi(m[2])
	from, _ := strconv.Atoi(m[3])
	to, _ := strconv.Atoi(m[4])
	for line := range strings.Lines(string(data)) {
		if number--; number > 0 {
			continue
		}
		if letters := []rune(line); 1 <= from && from < to && to <= len(letters)+1 {
			return string(letters[from-1 : to-1])
		}
		break
	}
	return "as at " + x.At()
}

var oneLine = regexp.MustCompile(`^(.*):(\d+),(\d+)-(\d+)$`)
