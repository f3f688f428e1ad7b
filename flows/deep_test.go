package flows_test

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// TestDepth: what nests without end is refused before a parser or evaluator
// that calls itself runs out of stack, which nobody could catch.
func TestDepth(t *testing.T) {
	flowtest.Sequential(t)
	const n = 5_000
	for name, expr := range map[string]string{
		"parentheses": strings.Repeat("(", n),
		"lists":       strings.Repeat("[", n),
		"objects":     strings.Repeat("{a=", n),
		"not":         strings.Repeat("!", n) + "true",
		"minus":       strings.Repeat("- ", n) + "1",
		"conditions":  strings.Repeat("a?b:", n) + "1",
		"templates":   strings.Repeat(`"${`, n),
		"calls":       strings.Repeat("f(", n),
		"for":         strings.Repeat("[for a in ", n),
		"sum":         "1" + strings.Repeat("+1", n),
		"and":         "true" + strings.Repeat("&&true", n),
		"index":       "a" + strings.Repeat("[0]", n),
		"index of x":  "a" + strings.Repeat("[x]", n),
		"attributes":  "a" + strings.Repeat(".a", n),
		"splats":      "a" + strings.Repeat(".*", n),
		"splats too":  "a" + strings.Repeat("[*]", n),
		"lines":       "(\n" + strings.Repeat("a ?\nb :\n", n) + "1)",
		"directives":  `"` + strings.Repeat("%{if a}", n) + `"`,
		"heredocs":    strings.Repeat("<<E\n${", n),
	} {
		for form, text := range map[string]string{
			"locals": "locals {\n  x = " + expr + "\n}\n",
			"where":  "pipeline \"p\" {\n  filter \"f\" {\n    where = " + expr + "\n  }\n}\n",
		} {
			_, report := loadText(t, flows.Inputs{}, text)
			if got := report.Text(false); !strings.Contains(got, "are nested here") {
				t.Errorf("%s in %s: %.200s", name, form, got)
			}
		}
		loadText(t, flows.Inputs{Vars: []string{"x=" + expr}}, "variable \"x\" {\n  type = list(string)\n}\n")
	}
	for name, text := range map[string]string{
		"arrays":  `{"locals": {"a": ` + strings.Repeat("[", n),
		"objects": strings.Repeat(`{"a":`, n),
		"strings": `{"locals": {"a": "${` + strings.Repeat("(", n) + `"}}`,
		"escapes": `{"locals": {"a": "${` + strings.Repeat(`\u0028`, n) + `"}}`,
		"keys":    `{"locals": {"a": {"${` + strings.Repeat("(", n) + `": 1}}}`,
	} {
		if formatted, report := flows.Format("x.json", []byte(text)); formatted != nil || !report.HasErrors() {
			t.Errorf("%s is fine", name)
		}
	}
	_, report := loadText(t, flows.Inputs{}, "locals {\n  a = ["+strings.Repeat(`"a" == "b" ? 1 + 2 : 3, "${1}",`+"\n", n)+"]\n}\n")
	if text := report.Text(false); report.HasErrors() {
		t.Errorf("a long list is no deep one: %.200s", text)
	}
}
