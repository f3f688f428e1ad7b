package source

import (
	"bytes"
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// secretive are names of arguments whose values are no business of a log.
var secretive = regexp.MustCompile(`(?i)secret|token|passw|credential|key|auth|hash|cookie|header`)

// hideLikely keeps texts out of the excerpts of a file whose syntax is wrong: as
// long as it cannot be read, only names tell which of them may be secrets, and
// how a text looks.
func (r *Report) hideLikely(shown string, src []byte) {
	tokens, _ := hclsyntax.LexConfig(src, shown, hcl.InitialPos) // what is wrong with it has been said
	var last []byte                                              // the name, or text, before
	likely := false
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenIdent:
			if last = t.Bytes; i > 0 && tokens[i-1].Type == hclsyntax.TokenNewline {
				likely = false
			}
		case hclsyntax.TokenEqual, hclsyntax.TokenColon:
			likely = secretive.Match(last)
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
			last = t.Bytes
			if likely || bytes.ContainsAny(t.Bytes, "@?") {
				r.Hide(t.Range)
			}
		}
	}
}
