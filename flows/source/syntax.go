package source

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// notOurs are the spellings of other languages that people write into
// expressions, with what stands for them here. Each is looked for where the
// parser gave up: before that place, and from there on.
var notOurs = []struct {
	before, from *regexp.Regexp
	summary      string
	hint         string // may use what was matched, $1 before and $2 from there
}{
	{nil, regexp.MustCompile(`^'([^'\n]*)'`), "a text stands in double quotes", `did you mean "$2"?`},
	{nil, regexp.MustCompile(`^'`), "a text stands in double quotes", ""},
	{regexp.MustCompile(`[=!]=$`), regexp.MustCompile(`^=`), "there is no such operator", "did you mean ==, or !=? They compare without converting anything"},
	{nil, regexp.MustCompile(`^=<`), "there is no operator =<", "did you mean <=?"},
	{nil, regexp.MustCompile(`^=>`), "there is no operator =>", "did you mean >=?"},
	{regexp.MustCompile(`[\w\])"]\s*$`), regexp.MustCompile(`^=[^=>]`), "= gives a name its value, == compares", "did you mean ==?"},
	{regexp.MustCompile(`<$`), regexp.MustCompile(`^>`), "there is no operator <>", "did you mean !=?"},
	{regexp.MustCompile(`[\w\])"]\s*$`), regexp.MustCompile(`^and\b`), "there is no operator and", "did you mean &&?"},
	{regexp.MustCompile(`[\w\])"]\s*$`), regexp.MustCompile(`^or\b`), "there is no operator or", "did you mean ||?"},
	{regexp.MustCompile(`[\w\])"]\s*$`), regexp.MustCompile(`^&[^&]`), "there is no operator &", "did you mean &&?"},
	{regexp.MustCompile(`[\w\])"]\s*$`), regexp.MustCompile(`^\|[^|]`), "there is no operator |", "did you mean ||? The functions stand in front of what they work on"},
	{regexp.MustCompile(`\*$`), regexp.MustCompile(`^\*`), "there is no operator **", "did you mean pow()?"},
	{nil, regexp.MustCompile(`^\$\{?([a-z][\w.]*)`), "an expression stands without $", "did you mean $2? Only what is put into a text stands in ${ }"},
	{regexp.MustCompile(`(?:^|[=(,:[])\s*if\s+$`), regexp.MustCompile(`^[\w(!"]`), "there is no if", "did you mean condition ? this : that?"},
	{regexp.MustCompile(`\bnot\s+$`), nil, "there is no operator not", "did you mean !?"},
	{regexp.MustCompile(`([a-z][\w.\[\]-]*)\.([a-z_]\w*)$`), regexp.MustCompile(`^\(`), "a value has no functions of its own", "did you mean $fn($1, …)? The functions stand in front of what they work on"},
	{regexp.MustCompile(`[\w\])]\?$`), regexp.MustCompile(`^[.\[]`), "there is no operator ?.", "did you mean . alone? What is missing is null, never an error"},
}

// meant says of syntax errors what was most probably meant, where that can be
// told, instead of what the parser missed. One error per place is enough then.
func meant(diags hcl.Diagnostics, src []byte) hcl.Diagnostics {
	var told []int
	return slices.DeleteFunc(slices.Clone(diags), func(d *hcl.Diagnostic) bool {
		if d.Subject == nil || d.Subject.Start.Byte > len(src) || strings.Contains(d.Summary, "block") || strings.Contains(d.Summary, "template") {
			return false
		}
		at := d.Subject.Start.Byte
		if slices.Contains(told, at) {
			return true
		}
		begin := strings.LastIndexByte(string(src[:at]), '\n') + 1
		before, from := src[begin:at], src[at:]
		for _, n := range notOurs {
			b, f := match(n.before, before), match(n.from, from)
			if b == nil || f == nil {
				continue
			}
			d.Summary = n.summary
			d.Detail = strings.NewReplacer("$1", part(b, 1), "$2", part(f, 1), "$fn", part(b, 2)).Replace(n.hint)
			told = append(told, at)
			break
		}
		return false
	})
}

// match is nil where re, unless it is nil itself, does not match.
func match(re *regexp.Regexp, s []byte) [][]byte {
	if re == nil {
		return [][]byte{}
	}
	return re.FindSubmatch(s)
}

func part(m [][]byte, n int) string {
	if n < len(m) {
		return string(m[n])
	}
	return ""
}
