package flows

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
	maxDepth = 100     // brackets in brackets, and operators in a row
)

// shownPath is path relative to the working directory where that is shorter.
func shownPath(path string) string {
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

// noPlace is the range of a problem that concerns a file as a whole, or no
// file at all when name is empty.
func noPlace(name string) hcl.Range { return hcl.Range{Filename: name} }

// cause drops what an error of package os says twice.
func cause(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// open finds and parses the files of the flow at path, and reports whether
// there is a flow.
func (r *reader) open(path string) bool {
	r.path = shownPath(path)
	info, err := os.Stat(path)
	if err != nil {
		r.errorf(noPlace(""), "cannot read the flow %s: %v", r.path, cause(err))
		return false
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	files := []string{path}
	if info.IsDir() {
		r.dir, r.name = path, filepath.Base(path)
		if files = r.list(path); files == nil {
			return false
		}
	} else {
		r.dir = filepath.Dir(path)
		base := filepath.Base(path)
		r.name = strings.TrimSuffix(strings.TrimSuffix(base, ".json"), ".hcl")
		if !isFlow(base) {
			r.errorf(noPlace(""), "%s is no flow: a flow is a .hcl file, a .hcl.json file or a folder of such files", r.path)
			return false
		}
	}
	r.blocks = map[string][]nested{}
	for _, file := range files {
		r.parse(file)
	}
	return true
}

func isFlow(base string) bool {
	stem, ok := strings.CutSuffix(strings.TrimSuffix(base, ".json"), ".hcl")
	return ok && stem != "" && !strings.HasSuffix(stem, ".test")
}

func (r *reader) list(dir string) (files []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.errorf(noPlace(""), "cannot read the flow %s: %v", r.path, cause(err))
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() && isFlow(e.Name()) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	if files == nil {
		r.errorf(noPlace(""), "the folder %s holds no flow: no .hcl file but tests", r.path)
	}
	return files
}

var topLevel = expected{blocks: map[string]int{
	"variable": 1, "locals": 0, "connector": 2, "codec": 2, "preprocessor": 2,
	"postprocessor": 2, "pipeline": 1, "connect": 1,
}, later: laterBlocks}

// parse adds the blocks of one file.
func (r *reader) parse(path string) {
	shown := shownPath(path)
	src, err := readSource(path)
	if err != nil {
		r.errorf(noPlace(""), "cannot read %s: %v", shown, err)
		r.broken = true
		return
	}
	body := r.parseSource(shown, src, strings.HasSuffix(path, ".json"))
	if body == nil {
		r.broken = true
		return
	}
	top := region{owner: "a flow", body: body, at: noPlace(shown)}
	for _, b := range r.content(top, topLevel).blocks {
		r.blocks[b.kind] = append(r.blocks[b.kind], b)
	}
}

func readSource(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	src := make([]byte, 0, 4096)
	buf := bytes.NewBuffer(src)
	if _, err := buf.ReadFrom(&limited{f, maxFile}); err != nil {
		return nil, cause(err)
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

// parseSource parses src and returns nil when its syntax is wrong.
func (r *Report) parseSource(shown string, src []byte, isJSON bool) hcl.Body {
	r.sources[shown] = source{text: src, order: len(r.sources) + 1}
	if at, deep := tooDeep(shown, src, isJSON); deep {
		r.errorf(at, "more than %d brackets or operators are nested here", maxDepth)
		return nil
	}
	var file *hcl.File
	var diags hcl.Diagnostics
	if isJSON {
		file, diags = json.Parse(src, shown)
	} else {
		file, diags = hclsyntax.ParseConfig(src, shown, hcl.InitialPos)
	}
	r.hcl(diags)
	if diags.HasErrors() || file == nil {
		return nil
	}
	return file.Body
}

// tooDeep finds the place where src nests too deeply for a parser that calls
// itself.
func tooDeep(shown string, src []byte, isJSON bool) (hcl.Range, bool) {
	if !isJSON {
		tokens, _ := hclsyntax.LexConfig(src, shown, hcl.InitialPos)
		return deepToken(tokens)
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
			if _, deep := deepToken(tokens); deep {
				return noPlace(shown), true
			}
		}
		if depth > maxDepth {
			return noPlace(shown), true
		}
	}
}

func deepToken(tokens hclsyntax.Tokens) (hcl.Range, bool) {
	var open []hclsyntax.TokenType
	row := 0 // operators that may nest without a bracket, since the last statement
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			open = append(open, t.Type)
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion, hclsyntax.TokenColon:
			row++
		case hclsyntax.TokenNewline, hclsyntax.TokenComma:
			if len(open) == 0 || open[len(open)-1] == hclsyntax.TokenOBrace {
				row = 0
			}
		}
		if len(open) > maxDepth || row > 4*maxDepth {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
}

// hcl takes over what package hcl says, in our own tone.
func (r *Report) hcl(diags hcl.Diagnostics) {
	for _, d := range diags {
		p := problem{warning: d.Severity == hcl.DiagWarning, summary: lowerFirst(d.Summary)}
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
		r.add(p).hint("%s", lowerFirst(d.Detail))
	}
}

// lowerFirst makes a sentence of package hcl one of ours.
func lowerFirst(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(strings.ReplaceAll(s, "\n\n", " ")), ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && (s[1] < 'A' || s[1] > 'Z') {
		s = string(s[0]+'a'-'A') + s[1:]
	}
	return s
}
