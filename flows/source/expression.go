package source

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// ParseExpression parses an expression that stands in no file; shown is what
// its text is called. It returns nil when the syntax is wrong.
func (r *Report) ParseExpression(shown, text string) hcl.Expression {
	r.keep(shown, []byte(text))
	if strings.Contains(text, "<<") {
		text += "\n" // it ends with a line, whose end shells cut
	}
	tokens, _ := hclsyntax.LexExpression([]byte(text), shown, hcl.InitialPos)
	if at, deep := TooDeep(tokens); deep {
		r.Errorf(at, "more than %d brackets, or %d operators, are nested here", maxDepth, maxOperators)
		return nil
	}
	e, diags := hclsyntax.ParseExpression([]byte(text), shown, hcl.InitialPos)
	r.HCL(meant(first(diags), []byte(text)))
	if diags.HasErrors() {
		return nil
	}
	return e
}

// CheckTemplate reports what is wrong with the syntax of text, the template that
// a string in JSON at the place at is.
func (r *Report) CheckTemplate(at hcl.Range, text string) bool {
	// Lines and columns are those of the file, bytes those of the text.
	start := hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + 1}
	_, diags := hclsyntax.ParseTemplate([]byte(text), at.Filename, start)
	diags = meant(first(diags), []byte(text))
	for _, d := range diags {
		if d.Subject != nil {
			d.Subject.Start.Byte += at.Start.Byte + 1
			d.Subject.End.Byte += at.Start.Byte + 1
		}
	}
	r.HCL(diags)
	return !diags.HasErrors()
}
