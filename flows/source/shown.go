package source

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Shown is a file as it may be shown to others.
type Shown struct {
	Name string // as it was named
	Text string
}

// Shown returns the files that were read, but those of the library, without what may
// be secret: texts that are known to be, which [Report.Hide] and [Report.HideText] were
// told of; texts that stand where secrets use to, by the names around them and how they
// look; and comments. It shows too little rather than too much.
func (r *Report) Shown() []Shown {
	all := []Shown{}
	for _, name := range r.Files() {
		if f, read := r.files[name]; read && !r.private[name] {
			all = append(all, Shown{name, r.masked(name, f.text)})
		}
	}
	return all
}

// masked is the text of a file without secrets and comments.
func (r *Report) masked(name string, text []byte) string {
	mask := r.maskedBytes(name, text, 0, len(text))
	for _, at := range r.apart {
		if at.Filename == name {
			mark(mask, at)
		}
	}
	comments := make([]bool, len(text))
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos) // what is wrong with it has been said
	for _, t := range likely(tokens) {
		mark(mask, t)
	}
	for _, t := range tokens {
		switch t.Type { //nolint:exhaustive // the others are no texts
		case hclsyntax.TokenComment:
			mark(comments, t.Range)
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenNumberLit:
			if slices.ContainsFunc(r.unshown, func(s string) bool { return spells(t.Bytes, s) }) {
				mark(mask, t.Range)
			}
		}
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case mask[i]:
			if i == 0 || !mask[i-1] {
				b.WriteString(redacted)
			}
		case !comments[i] || text[i] == '\n':
			b.WriteByte(text[i])
		}
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}

// spells reports whether a text of the source has a secret in it: a short one must be
// all of it.
func spells(text []byte, secret string) bool {
	if len(secret) < 4 {
		return string(text) == secret
	}
	return bytes.Contains(text, []byte(secret)) || bytes.Contains(text, []byte(strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(secret)))
}

func mark(mask []bool, at hcl.Range) {
	for i := at.Start.Byte; i < min(at.End.Byte, len(mask)); i++ {
		mask[i] = true
	}
}

// likely finds the texts that may be secrets: those below a name that sounds so, of a
// block, an argument or a key, however deep, and those that look so.
func likely(tokens hclsyntax.Tokens) (at []hcl.Range) {
	var (
		around []bool // for each open bracket: it stands below such a name
		below  bool   // such a name, of the argument that is being written
		name   []byte // of the block, argument or key that has begun
	)
	hot := func() bool { return below || slices.Contains(around, true) }
	for i, t := range tokens {
		switch t.Type { //nolint:exhaustive // the others are neither names nor texts
		case hclsyntax.TokenNewline, hclsyntax.TokenComma:
			below, name = false, nil
		case hclsyntax.TokenIdent:
			name = append(append(name, ' '), t.Bytes...)
		case hclsyntax.TokenEqual, hclsyntax.TokenColon:
			below = below || secretive.Match(name)
			name = nil
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen:
			around = append(around, below || secretive.Match(name))
			below, name = false, nil
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
			if len(around) > 0 {
				around = around[:len(around)-1]
			}
			name = nil
		case hclsyntax.TokenNumberLit:
			if hot() {
				at = append(at, t.Range)
			}
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
			key := isKey(tokens[i+1:])
			if key {
				name = append(append(name, ' '), t.Bytes...)
			}
			if !key && hot() || looksSecret(t.Bytes) {
				at = append(at, t.Range)
			}
		}
	}
	return at
}

// isKey reports whether the text before is a key, or a label: it says what is below.
func isKey(after hclsyntax.Tokens) bool {
	if len(after) < 2 || after[0].Type != hclsyntax.TokenCQuote {
		return false
	}
	next := after[1].Type
	return next == hclsyntax.TokenEqual || next == hclsyntax.TokenColon || next == hclsyntax.TokenOBrace || next == hclsyntax.TokenOQuote
}

// looksSecret reports whether a text looks like a URL with more than an address, or
// names a secret inside of it.
func looksSecret(text []byte) bool {
	return bytes.ContainsAny(text, "@?") || bytes.ContainsAny(text, ":=") && secretive.Match(text)
}
