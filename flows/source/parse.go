package source

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

const (
	maxFile  = 4 << 20 // bytes of a flow file
	maxDepth = 100     // brackets in brackets

	maxOperators = 2000 // in one expression
)

// ShownPath is path relative to the working directory where that is shorter.
func ShownPath(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return filepath.Clean(path)
	}
	abs := path
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(wd, path)
	}
	if rel, err := filepath.Rel(wd, abs); err == nil && len(rel) < len(abs) {
		return rel
	}
	return abs
}

// Shorten spells the paths below dir in text as the user would.
func Shorten(text, dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return text
	}
	folder := string(filepath.Separator)
	shown := ShownPath(abs) + folder
	if shown == "."+folder {
		shown = ""
	}
	return strings.ReplaceAll(text, abs+folder, shown)
}

// NoPlace is the range of a problem that concerns a file as a whole, or no
// file at all when name is empty.
func NoPlace(name string) hcl.Range { return hcl.Range{Filename: name} }

// Cause drops what an error of package os says twice.
func Cause(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// Read returns the content of a file, up to 4 MiB.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Cause(err)
	}
	defer f.Close()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(&limited{f, maxFile}); err != nil {
		return nil, Cause(err)
	}
	return buf.Bytes(), nil
}

// limited is a file that fails where io.LimitReader would end silently.
type limited struct {
	f    *os.File
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.f.Read(p)
	if l.left -= n; l.left < 0 {
		return 0, errors.New("it is longer than 4MiB")
	}
	return n, err
}

// WithoutMark cuts the byte order mark that some editors put before a text.
func WithoutMark(src []byte) []byte { return bytes.TrimPrefix(src, []byte("\uFEFF")) }

// Parse parses src and returns nil when its syntax is wrong.
func (r *Report) Parse(shown string, src []byte, isJSON bool) hcl.Body {
	src = WithoutMark(src)
	r.keep(shown, src)
	if at, deep := tooDeep(shown, src, isJSON); deep {
		r.Errorf(at, "more than %d brackets, or %d operators, are nested here", maxDepth, maxOperators)
		return nil
	}
	var file *hcl.File
	var diags hcl.Diagnostics
	if isJSON {
		file, diags = json.Parse(src, shown)
	} else {
		file, diags = hclsyntax.ParseConfig(src, shown, hcl.InitialPos)
	}
	r.HCL(meant(first(diags), src))
	if diags.HasErrors() || file == nil {
		r.hideLikely(shown, src)
		return nil
	}
	return file.Body
}

// ParseAgain parses the part at of src, which Parse has parsed for another
// report: what it costs depends on the part alone. Places are those of the whole.
func (r *Report) ParseAgain(shown string, src []byte, at hcl.Range) hcl.Body {
	src = WithoutMark(src)
	r.keep(shown, src)
	file, diags := hclsyntax.ParseConfig(at.SliceBytes(src), shown, at.Start)
	r.HCL(diags)
	if diags.HasErrors() || file == nil {
		return nil
	}
	return file.Body
}

// keep remembers the text of a file, for excerpts.
func (r *Report) keep(shown string, text []byte) {
	if r.files == nil {
		r.files = map[string]file{}
	}
	r.files[shown] = file{text: text, order: len(r.files) + 1}
}

// first cuts what follows from a quote that was not closed: the rest of the
// file was then read the wrong way round.
func first(diags hcl.Diagnostics) hcl.Diagnostics {
	for i, d := range diags {
		if d.Summary == "Invalid multi-line string" {
			return diags[:i+1]
		}
	}
	return diags
}

// tooDeep finds the place where src nests too deeply for a parser that calls
// itself.
func tooDeep(shown string, src []byte, isJSON bool) (hcl.Range, bool) {
	if !isJSON {
		tokens, _ := hclsyntax.LexConfig(src, shown, hcl.InitialPos)
		return TooDeep(tokens)
	}
	d := stdjson.NewDecoder(bytes.NewReader(src))
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil { // the parser will tell, or has come to the end
			return hcl.Range{}, depth > maxDepth
		}
		switch t := t.(type) {
		case stdjson.Delim:
			if depth--; t == '{' || t == '[' {
				depth += 2
			}
		case string: // may be a template
			tokens, _ := hclsyntax.LexTemplate([]byte(t), shown, hcl.InitialPos)
			if _, deep := TooDeep(tokens); deep {
				return NoPlace(shown), true
			}
		}
		if depth > maxDepth {
			return NoPlace(shown), true
		}
	}
}

// TooDeep finds the token at which a text nests too deeply for a parser, or
// an evaluator of what it made, that calls itself: too many brackets in each
// other, or too many operators in one expression, which nest as well.
func TooDeep(tokens hclsyntax.Tokens) (hcl.Range, bool) {
	type level struct {
		open      hclsyntax.TokenType
		operators int // since the last comma or, between braces, line
	}
	levels := []level{{open: hclsyntax.TokenOBrace}}
	operators := 0 // of all levels
	for _, t := range tokens {
		in := &levels[len(levels)-1]
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			in.operators++ // an index or a directive
			operators++
			levels = append(levels, level{open: t.Type})
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			if operators -= in.operators; len(levels) > 1 {
				levels = levels[:len(levels)-1]
			} else {
				in.operators = 0
			}
		case hclsyntax.TokenNewline, hclsyntax.TokenComma:
			if t.Type == hclsyntax.TokenComma || in.open == hclsyntax.TokenOBrace {
				operators -= in.operators
				in.operators = 0
			}
		case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenComment, hclsyntax.TokenEqual:
		default:
			in.operators++
			operators++
		}
		if len(levels) > maxDepth || operators > maxOperators {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
}

// HCL takes over what package hcl says, in our own tone.
func (r *Report) HCL(diags hcl.Diagnostics) {
	for _, d := range diags {
		p := Problem{warning: d.Severity == hcl.DiagWarning, summary: LowerFirst(d.Summary)}
		if d.Subject != nil {
			p.where = *d.Subject
		}
		if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok && call.FunctionCallError() != nil {
			p.summary = call.CalledFunctionName() + "(): " + call.FunctionCallError().Error()
			if d.Context != nil && d.Subject == nil {
				p.where = *d.Context
			}
			r.add(p)
			continue
		}
		r.add(p).Hint("%s", LowerFirst(d.Detail))
	}
}

// LowerFirst makes a sentence of package hcl one of ours.
func LowerFirst(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(strings.ReplaceAll(s, "\n\n", " ")), ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && (s[1] < 'A' || s[1] > 'Z') {
		s = string(s[0]+'a'-'A') + s[1:]
	}
	return s
}
