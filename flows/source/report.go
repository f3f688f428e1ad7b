package source

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// Report is all that is to be said about the flows of one run. The zero
// Report says that all is well. It is not safe for concurrent use.
type Report struct {
	problems []Problem
	said     map[string]int  // so that nothing is said twice: where in problems, from 1
	within   string          // what is being read: see Within
	errors   int             // reports of errors, the same one again included
	files    map[string]file // by the name that is shown
	asked    map[string]bool // paths of other files that what was read depends on
	hidden   []hcl.Range     // pieces of text that spell a secret
	secrets  []string        // sensitive values, never to be shown
	unshown  []string        // texts that Shown leaves out
	apart    []hcl.Range     // pieces of text that Shown leaves out
	private  map[string]bool // files that Shown leaves out
}

type file struct {
	text  []byte
	order int // in which files are reported
}

// Problem is one thing that a report says; [Problem.Hint] and [Problem.Also]
// may add to it before the next one is reported.
type Problem struct {
	warning bool
	where   hcl.Range // zero Filename: no place in a file
	summary string
	hints   []string
	within  string          // what it was found in
	again   map[string]bool // what else it was found in
}

// Files lists the files that were read, by the name that is shown, as far as the
// library of modules is not meant, and those that DependsOn was told of.
func (r *Report) Files() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(r.files)), maps.Keys(r.asked))
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return strings.HasPrefix(name, "std/") })
}

// DependsOn notes that an expression has looked at a file, which need not be
// there.
func (r *Report) DependsOn(path string) {
	if r.asked == nil {
		r.asked = map[string]bool{}
	}
	r.asked[path] = true
}

// Errorf adds an error that concerns the place where.
func (r *Report) Errorf(where hcl.Range, format string, args ...any) *Problem {
	return r.add(Problem{where: where, summary: fmt.Sprintf(format, args...)})
}

// Warnf adds a warning that concerns the place where.
func (r *Report) Warnf(where hcl.Range, format string, args ...any) *Problem {
	return r.add(Problem{where: where, warning: true, summary: fmt.Sprintf(format, args...)})
}

func (r *Report) add(p Problem) *Problem {
	if !p.warning {
		r.errors++
	}
	said := place(p.where) + p.summary
	if i := r.said[said]; i > 0 {
		first := &r.problems[i-1]
		if r.within != first.within && r.within != "" {
			if first.again == nil {
				first.again = map[string]bool{}
			}
			first.again[r.within] = true
		}
		return &Problem{}
	}
	if r.said == nil {
		r.said = map[string]int{}
	}
	p.within = r.within
	r.problems = append(r.problems, p)
	r.said[said] = len(r.problems)
	return &r.problems[len(r.problems)-1]
}

// Within says of what is reported until leave is called that it was found in
// what: a use of a module, or an instance of a block. The same problem in
// several of them is told once.
func (r *Report) Within(what string) (leave func()) {
	before := r.within
	r.within = what
	return func() { r.within = before }
}

// Hint adds what to do about the problem, unless it is empty.
func (p *Problem) Hint(format string, args ...any) *Problem {
	if text := fmt.Sprintf(format, args...); text != "" {
		p.hints = append(p.hints, text)
	}
	return p
}

// notes are the hints, and what the problem was found in.
func (p *Problem) notes() []string {
	where := "in " + p.within
	switch {
	case p.within == "":
		return p.hints
	case len(p.again) > 0:
		where += fmt.Sprintf(", and in %d more", len(p.again))
	}
	return append(slices.Clone(p.hints), where)
}

// Also names another place that belongs to the problem.
func (p *Problem) Also(what string, at hcl.Range) *Problem {
	return p.Hint("%s at %s", what, place(at))
}

// HasErrors reports whether anything keeps the flows from running. A report
// without errors may still hold warnings.
func (r *Report) HasErrors() bool { return r.errors > 0 }

// Errors counts how often an error was reported so far, the same one again
// included: whoever reads a part of a flow can tell whether it was right.
func (r *Report) Errors() int { return r.errors }

// Told reports whether an error has been reported that is about a part of where,
// or about something that where is a part of.
func (r *Report) Told(where hcl.Range) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool { return !p.warning && p.where.Overlaps(where) })
}

func (r *Report) count(warnings bool) (n int) {
	for _, p := range r.problems {
		if p.warning == warnings {
			n++
		}
	}
	return n
}

// Hide keeps the text at rng out of excerpts.
func (r *Report) Hide(rng hcl.Range) { r.hidden = append(r.hidden, rng) }

// HideText keeps a sensitive value out of everything that is said. Values
// shorter than four bytes are left to those who report: taken out of other
// words, they would be given away.
func (r *Report) HideText(secret string) {
	if len(secret) >= 4 && !slices.Contains(r.secrets, secret) {
		r.secrets = append(r.secrets, secret)
		// The longest first, so that no part of one stays.
		slices.SortFunc(r.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
}

// HideShown keeps a secret out of what [Report.Shown] shows, and not out of messages:
// it may be a word like others.
func (r *Report) HideShown(secret string) {
	if secret != "" && !slices.Contains(r.unshown, secret) {
		r.unshown = append(r.unshown, secret)
	}
}

// HideShownAt keeps the text at rng out of what [Report.Shown] shows.
func (r *Report) HideShownAt(rng hcl.Range) { r.apart = append(r.apart, rng) }

// Private says that a file is not to be shown at all.
func (r *Report) Private(name string) {
	if r.private == nil {
		r.private = map[string]bool{}
	}
	r.private[name] = true
}

const redacted = "(secret)"

func (r *Report) redact(text string) string {
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, redacted)
	}
	return text
}

// sorted returns the problems in the order of the files and lines.
func (r *Report) sorted() []Problem {
	ps := slices.Clone(r.problems)
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(r.files[a.where.Filename].order, r.files[b.where.Filename].order),
			cmp.Compare(a.where.Filename, b.where.Filename),
			cmp.Compare(a.where.Start.Line, b.where.Start.Line),
			cmp.Compare(a.where.Start.Column, b.where.Start.Column),
		)
	})
	return ps
}

// style is the colours of a report; the zero style has none.
type style struct{ bold, red, yellow, blue, off string }

var colours = style{"\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[34m", "\x1b[0m"}

// Text is the report for people, empty when there is nothing to say: per
// problem the place, what is wrong, the line with the piece underlined, and
// what to do; then a line with the count.
//
//	echo.hcl:14,3-7: error: connector "ws_server" has no argument "cdec"
//	  14 |   cdec = "json"
//	     |   ^^^^
//	     = did you mean "codec"?
func (r *Report) Text(color bool) string {
	if len(r.problems) == 0 {
		return ""
	}
	var s style
	if color {
		s = colours
	}
	var b strings.Builder
	for _, p := range r.sorted() {
		r.write(&b, p, s)
		b.WriteByte('\n')
	}
	b.WriteString(Tally(r.count(false), "error"))
	if n := r.count(true); n > 0 {
		b.WriteString(", " + Tally(n, "warning"))
	}
	b.WriteByte('\n')
	return b.String()
}

// Tally is "1 error", "3 errors", "no errors".
func Tally(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (r *Report) write(b *strings.Builder, p Problem, s style) {
	kind, colour := "error", s.red
	if p.warning {
		kind, colour = "warning", s.yellow
	}
	if p.where.Filename != "" {
		b.WriteString(s.bold + place(p.where) + ":" + s.off + " ")
	}
	b.WriteString(colour + kind + ":" + s.off + " " + s.bold + r.redact(p.summary) + s.off + "\n")
	margin := "  "
	if line, start, width, ok := r.excerpt(p.where); ok {
		number := fmt.Sprintf("%4d", p.where.Start.Line)
		margin = strings.Repeat(" ", len(number))
		fmt.Fprintf(b, "%s%s |%s %s\n", s.blue, number, s.off, line)
		fmt.Fprintf(b, "%s%s |%s %s%s%s%s\n", s.blue, margin, s.off, strings.Repeat(" ", start), colour, strings.Repeat("^", width), s.off)
	}
	for _, h := range p.notes() {
		fmt.Fprintf(b, "%s%s =%s %s\n", s.blue, margin, s.off, r.redact(h))
	}
}

// Line spells the beginning of a range: "echo.hcl:14".
func Line(rng hcl.Range) string { return fmt.Sprintf("%s:%d", rng.Filename, rng.Start.Line) }

// place spells a range as editors and people read it: "echo.hcl:14,3-7".
func place(rng hcl.Range) string {
	switch {
	case rng.Start.Line == 0:
		return rng.Filename
	case rng.End.Line != rng.Start.Line || rng.End.Column <= rng.Start.Column:
		return fmt.Sprintf("%s:%d,%d", rng.Filename, rng.Start.Line, rng.Start.Column)
	}
	return rng.String()
}

const (
	tabWidth    = 4
	longestLine = 160 // of an excerpt, in characters
)

// excerpt returns the first line of the range as it is shown, without secrets,
// and where in it the underline starts and how long it is, in characters.
func (r *Report) excerpt(rng hcl.Range) (shown string, start, width int, ok bool) {
	src, known := r.files[rng.Filename]
	if !known || rng.Start.Line < 1 || rng.Start.Byte > len(src.text) {
		return "", 0, 0, false
	}
	from := rng.Start.Byte
	for from > 0 && src.text[from-1] != '\n' {
		from--
	}
	to := rng.Start.Byte
	for to < len(src.text) && src.text[to] != '\n' {
		to++
	}
	end := min(max(rng.End.Byte, rng.Start.Byte+1), to)
	masked := r.maskedBytes(rng.Filename, src.text, from, to)

	var b strings.Builder
	column, endColumn := 0, 0
	start = -1
	for i := from; i < to; {
		if i >= rng.Start.Byte && start < 0 {
			start = column
		}
		c, n := utf8.DecodeRune(src.text[i:to])
		switch {
		case masked[i-from]:
			for n = 0; i+n < to && masked[i+n-from]; n++ {
			}
			if start < 0 && rng.Start.Byte < i+n {
				start = column
			}
			b.WriteString(redacted)
			column += len(redacted)
		case c == '\t':
			b.WriteString(strings.Repeat(" ", tabWidth))
			column += tabWidth
		case c == '\r' && i+1 == to:
		case c == utf8.RuneError || !unicode.IsGraphic(c):
			b.WriteRune('\uFFFD')
			column++
		default:
			b.WriteRune(c)
			column++
		}
		if i < end {
			endColumn = column
		}
		i += n
	}
	if start < 0 {
		start = column
	}
	shown = strings.TrimRight(b.String(), " ")
	if rs := []rune(shown); len(rs) > longestLine {
		if start > longestLine/2 {
			cut := min(start-longestLine/4, len(rs))
			rs, start, endColumn = append([]rune("…"), rs[cut:]...), start-cut+1, endColumn-cut+1
		}
		if len(rs) > longestLine {
			rs = append(rs[:longestLine:longestLine], '…')
		}
		shown = string(rs)
		endColumn = min(endColumn, len(rs))
	}
	return shown, start, max(endColumn-start, 1), true
}

// maskedBytes tells which bytes of a line belong to a secret.
func (r *Report) maskedBytes(name string, text []byte, from, to int) []bool {
	masked := make([]bool, to-from)
	mark := func(a, b int) {
		for i := max(a, from); i < min(b, to); i++ {
			masked[i-from] = true
		}
	}
	for _, h := range r.hidden {
		if h.Filename == name {
			mark(h.Start.Byte, h.End.Byte)
		}
	}
	line := string(text[from:to])
	for _, s := range r.secrets {
		for i := 0; ; {
			n := strings.Index(line[i:], s)
			if n < 0 {
				break
			}
			mark(from+i+n, from+i+n+len(s))
			i += n + len(s)
		}
	}
	return masked
}

// JSON is the report for programs: an array of objects with severity, file,
// range (line and column from 1, byte from 0), summary and detail.
func (r *Report) JSON() []byte {
	type pos struct {
		Line   int `json:"line"`
		Column int `json:"column"`
		Byte   int `json:"byte"`
	}
	type extent struct {
		Start pos `json:"start"`
		End   pos `json:"end"`
	}
	type entry struct {
		Severity string  `json:"severity"`
		File     string  `json:"file,omitempty"`
		Range    *extent `json:"range,omitempty"`
		Summary  string  `json:"summary"`
		Detail   string  `json:"detail,omitempty"`
	}
	list := []entry{}
	for _, p := range r.sorted() {
		e := entry{Severity: "error", File: p.where.Filename, Summary: r.redact(p.summary), Detail: r.redact(strings.Join(p.notes(), "\n"))}
		if p.warning {
			e.Severity = "warning"
		}
		if p.where.Start.Line > 0 {
			e.Range = &extent{pos(p.where.Start), pos(p.where.End)}
		}
		list = append(list, e)
	}
	out, err := json.MarshalIndent(list, "", "  ")
	if err != nil { // strings and numbers only: cannot be
		return []byte("[]")
	}
	return append(out, '\n')
}
