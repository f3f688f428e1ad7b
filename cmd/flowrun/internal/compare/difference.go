package compare

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// What is shown of a difference is bounded, whatever the texts are like.
const (
	shownLines = 40
	shownWidth = 300 // characters of a line
	diffWindow = 200 // lines that are compared for a diff, around the first difference
	aroundIt   = 3   // lines of context
)

// Clip shortens one line.
func Clip(line string) string {
	line = strings.TrimRight(line, "\n")
	if len(line) <= shownWidth {
		return line
	}
	cut := shownWidth
	for cut > 0 && !utf8.RuneStart(line[cut]) {
		cut--
	}
	return fmt.Sprintf("%s … (%d bytes)", line[:cut], len(line))
}

// Readable spells bytes so that they can be printed on a terminal and written
// into a report.
func Readable(p []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfffe || r == 0xffff {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(string(p), "\uFFFD"), "\r\n", "\n"))
}

// clipLines shortens lines, and their number.
func clipLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	more := len(lines) - shownLines
	if more > 0 {
		lines = lines[:shownLines]
	}
	for i := range lines {
		lines[i] = Clip(lines[i])
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("… %d lines more", more))
	}
	return strings.Join(lines, "\n")
}

// excerpt is what came, for people.
func (c *Content) excerpt() string {
	if len(bytes.TrimSpace(c.Got)) == 0 {
		return c.What + " is empty"
	}
	text := c.Got
	if len(text) > 1<<20 {
		text = text[:1<<20]
	}
	return c.What + ":\n" + Indent(clipLines(Readable(text)), "  ")
}

// around shows a line of a text with those beside it.
func around(text []byte, line int) string {
	var b strings.Builder
	n := 0
	for l := range bytes.Lines(text) {
		if n++; n >= line-aroundIt && n <= line+aroundIt {
			mark := " "
			if n == line {
				mark = ">"
			}
			fmt.Fprintf(&b, "%s %5d  %s\n", mark, n, Clip(Readable(l)))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// textDiff is a unified diff of two texts.
func textDiff(wantName string, want []byte, gotName string, got []byte) string {
	wantLines, gotLines := strings.SplitAfter(Readable(want), "\n"), strings.SplitAfter(Readable(got), "\n")
	same := 0
	for same < min(len(wantLines), len(gotLines)) && wantLines[same] == gotLines[same] {
		same++
	}
	from := max(0, same-aroundIt)
	cut := func(lines []string) []byte {
		return []byte(strings.Join(lines[min(from, len(lines)):min(from+diffWindow, len(lines))], ""))
	}
	a, b := cut(wantLines), cut(gotLines)
	if bytes.Equal(a, b) { // they differ in what cannot be shown
		return ""
	}
	text := string(diff.Diff(wantName, a, gotName, b))
	if _, rest, ok := strings.Cut(text, "\n"); ok && strings.HasPrefix(text, "diff ") {
		text = rest
	}
	if from > 0 {
		text = fmt.Sprintf("(after %d equal lines)\n%s", from, text)
	}
	return clipLines(text)
}

// firstLine tells where two texts begin to differ.
func firstLine(want, got []byte) string {
	a, b := bytes.SplitAfter(want, []byte("\n")), bytes.SplitAfter(got, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			if bytes.Equal(bytes.TrimRight(a[i], "\r\n"), bytes.TrimRight(b[i], "\r\n")) {
				return fmt.Sprintf("line %d ends with %q, not with %q", i+1, ending(b[i]), ending(a[i]))
			}
			return fmt.Sprintf("line %d is %q, not %q", i+1, Clip(Readable(b[i])), Clip(Readable(a[i])))
		}
	}
	return fmt.Sprintf("it has %d lines, not %d", len(b)-1, len(a)-1)
}

func ending(line []byte) string { return string(line[len(bytes.TrimRight(line, "\r\n")):]) }

// valueDiff is a diff of events, each spelled in one way; a single one in lines.
// What is equal is spelled equally, too: 1 and 1.0 are no difference.
func valueDiff(wantName string, want []flow.Value, gotName string, got []flow.Value) string {
	style := jsontext.Style{SortKeys: true, Compact: true}
	if len(want) <= 1 && len(got) <= 1 {
		style = jsontext.Style{SortKeys: true, Indent: 2}
	}
	known := map[string][]byte{}
	spellAll := func(values []flow.Value) (text []byte) {
		for _, v := range values {
			key := string(valuekey.Append(nil, v))
			if known[key] == nil {
				known[key] = append(appendValue(nil, v, style), '\n')
			}
			text = append(text, known[key]...)
		}
		return text
	}
	return textDiff(wantName, spellAll(want), gotName, spellAll(got))
}

func appendValue(dst []byte, v flow.Value, style jsontext.Style) []byte {
	out, err := style.Append(dst, v)
	if err != nil {
		return append(dst, v.Kind().String()...)
	}
	return out
}

// Short spells a value in one line.
func Short(v flow.Value) string {
	return Clip(string(appendValue(nil, v, jsontext.Style{Compact: true})))
}

// First tells where two values begin to differ: "" where they do not. part
// says that got may have fields that want has not.
func First(want, got flow.Value, part bool) string { return first("", want, got, part) }

func first(path string, want, got flow.Value, part bool) string {
	switch {
	case want.Kind() == flow.Map && got.Kind() == flow.Map:
		for _, f := range want.Object().Fields() {
			other, ok := got.Object().Get(f.Key)
			if !ok {
				return fmt.Sprintf("%s is missing, expected %s", join(path, f.Key), Short(f.Value))
			}
			if d := first(join(path, f.Key), f.Value, other, part); d != "" {
				return d
			}
		}
		for _, f := range got.Object().Fields() {
			if _, ok := want.Object().Get(f.Key); !ok && !part {
				return fmt.Sprintf("%s = %s was not expected", join(path, f.Key), Short(f.Value))
			}
		}
		return ""
	case want.Kind() == flow.List && got.Kind() == flow.List:
		a, b := want.List(), got.List()
		for i := range min(len(a), len(b)) {
			if d := first(path+"["+strconv.Itoa(i)+"]", a[i], b[i], part); d != "" {
				return d
			}
		}
		if len(a) != len(b) {
			return fmt.Sprintf("%s has %d elements, not %d", named(path), len(b), len(a))
		}
		return ""
	case want.Equal(got):
		return ""
	}
	return fmt.Sprintf("%s is %s, not %s", named(path), Short(got), Short(want))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func named(path string) string {
	if path == "" {
		return "it"
	}
	return path
}

// bagDifference tells what is in one bag of sorted values and not in the other.
func bagDifference(want, got []flow.Value) string {
	counts := map[string]int{}
	for _, v := range got {
		counts[string(valuekey.Append(nil, v))]++
	}
	for _, v := range want {
		if counts[string(valuekey.Append(nil, v))]--; counts[string(valuekey.Append(nil, v))] < 0 {
			return Short(v) + " is missing"
		}
	}
	for _, v := range got {
		if counts[string(valuekey.Append(nil, v))] > 0 {
			return Short(v) + " was not expected"
		}
	}
	return "they differ"
}

// Bytes tells where bytes that are not equal begin to differ.
func Bytes(want, got []byte) string {
	i := firstDifference(want, got)
	switch i {
	case len(want):
		return fmt.Sprintf("it goes on after byte %d", i)
	case len(got):
		return fmt.Sprintf("it ends after byte %d of %d", i, len(want))
	}
	return fmt.Sprintf("byte %d is %s, not %s", i+1, spellByte(got[i]), spellByte(want[i]))
}

func spellByte(b byte) string {
	if b > ' ' && b < 0x7f {
		return strconv.QuoteRune(rune(b))
	}
	return fmt.Sprintf("%#02x", b)
}

func firstDifference(a, b []byte) (i int) {
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return i
}

// hexDiff shows both sides around the first byte that differs.
func hexDiff(want, got []byte) string {
	const row = 16
	from := max(0, firstDifference(want, got)/row*row-row)
	dump := func(p []byte) string {
		p = p[min(from, len(p)):]
		return Indent(strings.TrimRight(hex.Dump(p[:min(len(p), 4*row)]), "\n"), "  ")
	}
	return fmt.Sprintf("from offset %#x, expected:\n%s\ngot:\n%s", from, dump(want), dump(got))
}

// Indent puts by before each line.
func Indent(text, by string) string {
	return by + strings.ReplaceAll(text, "\n", "\n"+by)
}
