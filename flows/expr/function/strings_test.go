package function

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestStrings(t *testing.T) {
	cases{
		{"lower", `["ÀÉ"]`, `"àé"`},
		{"lower", `[1]`, `!must be a string, not a number`},
		{"lower", `[null]`, `null`},
		{"upper", `["ß"]`, `"ß"`},
		{"title", `["hello WORLD it's 3rd x_y-z"]`, `"Hello WORLD It's 3rd X_y-Z"`},
		{"title", `[""]`, `""`},
		{"trim", `["éaé", "é"]`, `"a"`},
		{"trim", `["abc", ""]`, `"abc"`},
		{"trimspace", `["\u00a0\t x \u2003"]`, `"x"`},
		{"trimprefix", `["aab", "a"]`, `"ab"`},
		{"trimsuffix", `["abb", "b"]`, `"ab"`},
		{"startswith", `["abc", ""]`, `true`},
		{"startswith", `["abc", null]`, `null`},
		{"endswith", `["abc", "abcd"]`, `false`},
		{"contains", `["abc", ""]`, `true`},
		{"contains", `["abc", 1]`, `!a string contains strings, not a number`},
		{"contains", `["abc", null]`, `false`},
		{"contains", `[[1, 2.0], 2]`, `true`},
		{"contains", `[[1, null], null]`, `true`},
		{"contains", `[[{"a": [1]}], {"a": [1.0]}]`, `true`},
		{"contains", `[["1"], 1]`, `false`},
		{"contains", `[null, 1]`, `null`},
		{"contains", `[{}, 1]`, `!a string or a list`},
		{"split", `[",", ""]`, `[""]`},
		{"split", `["", "aé"]`, `["a","é"]`},
		{"split", `["", ""]`, `[]`},
		{"split", `[",", "a,,b,"]`, `["a","","b",""]`},
		{"join", `[",", []]`, `""`},
		{"join", `[",", ["a", 1.50, true, null, ""]]`, `"a,1.50,true,,"`},
		{"join", `[",", [["a"]]]`, `!a list is no string: jsonencode()`},
		{"substr", `["héllo", 1, 3]`, `"éll"`},
		{"substr", `["héllo", -3, 2]`, `"ll"`},
		{"substr", `["héllo", -30, 2]`, `"hé"`},
		{"substr", `["héllo", 10, 2]`, `""`},
		{"substr", `["héllo", 0, 99]`, `"héllo"`},
		{"substr", `["héllo", 3, -1]`, `"lo"`},
		{"substr", `["héllo", 3, 0]`, `""`},
		{"substr", `["héllo", 0, -2]`, `!-1`},
		{"substr", `["héllo", 0.5, 1]`, `!whole number`},
		{"substr", `["héllo", 1.0, 1]`, `"é"`},
		{"substr", `["a", -9223372036854775808, 9223372036854775807]`, `"a"`},
		{"strlen", `["héllo"]`, `5`},
		{"format", `["plain"]`, `"plain"`},
		{"format", `["%s"]`, `!more verbs`},
		{"format", `["a", 1]`, `!more values`},
		{"format", `["%s %v %q", "a", 1.50, "q\"q"]`, `"a 1.50 \"q\\\"q\""`},
		{"format", `["%s|%s|%s", null, true, [1, {"a": "b"}]]`, `"|true|[1,{\"a\":\"b\"}]"`},
		{"format", `["%5d|%-5d|%05d|%+d|%x|%X|%b|%o", 42, 42, 42, 42, 255, 255, 5, 8]`, `"   42|42   |00042|+42|ff|FF|101|10"`},
		{"format", `["%d", 1.5]`, `!whole number`},
		{"format", `["%d", 1e3]`, `"1000"`},
		{"format", `["%d", "1"]`, `!takes a whole number, not a string`},
		{"format", `["%.2f|%8.3f|%e|%g", 3.14159, 2, 1000, 0.5]`, `"3.14|   2.000|1.000000e+03|0.5"`},
		{"format", `["%f", null]`, `!takes a number, not null`},
		{"format", `["%t", 1]`, `!takes a bool`},
		{"format", `["%x", "hi"]`, `"6869"`},
		{"format", `["%.3s|%6s", "abcdef", "é"]`, `"abc|     é"`},
		{"format", `["100%"]`, `!without a verb`},
		{"format", `["%y", 1]`, `!without a verb`},
		{"format", `["%*d", 1]`, `!without a verb`},
		{"format", `["%[1]d", 1]`, `!without a verb`},
		{"format", `[null]`, `null`},
		{"indent", `[2, "a\n\nb"]`, `"a\n  \n  b"`},
		{"indent", `[0, "a\nb"]`, `"a\nb"`},
		{"indent", `[-1, "a"]`, `!between 0 and 1000`},
		{"reverse", `["aé日"]`, `"日éa"`},
		{"reverse", `[[]]`, `[]`},
		{"reverse", `[[1, [2, 3]]]`, `[[2,3],1]`},
		{"chomp", `["a\n\r\n"]`, `"a"`},
		{"chomp", `["\na"]`, `"\na"`},
	}.run(t)
	if x, _ := Find("reverse").Invoke(flow.TextOf("a\xffb")); x.Text() != "b\xffa" {
		t.Errorf("%q", x.Text())
	}
	if _, err := Find("join").Invoke(flow.TextOf(","), flow.ListOf([]flow.Value{flow.BytesOf([]byte("a"))})); err == nil {
		t.Error("bytes are joined as if they were a string")
	}
}

func TestRegex(t *testing.T) {
	cases{
		{"regex", `["b+", "abbbc"]`, `"bbb"`},
		{"regex", `["", "abc"]`, `""`},
		{"regex", `["(a)(x)?", "abc"]`, `["a",null]`},
		{"regex", `["(?P<first>a)(?P<then>x)?", "abc"]`, `{"first":"a","then":null}`},
		{"regex", `["(?P<a>a)(b)", "ab"]`, `!groups with a name and groups without`},
		{"regex", `["x", "abc"]`, `!matches nothing`},
		{"regex", `["x", null]`, `!matches nothing`},
		{"regex", `[null, "abc"]`, `null`},
		{"regex", `["(", "abc"]`, `!no regular expression: missing closing )`},
		{"regex", `["日", "x日"]`, `"日"`},
		{"regexall", `["(.)(.)", "abcd"]`, `[["a","b"],["c","d"]]`},
		{"regexall", `["x", null]`, `null`},
		{"regexall", `["x*", "ab"]`, `["","",""]`},
		{"regexall", `["[", "ab"]`, `!no regular expression`},
		{"replace", `["a.b.c", ".", "-"]`, `"a-b-c"`},
		{"replace", `["abc", "", "-"]`, `"-a-b-c-"`},
		{"replace", `["a1b22", "/\\d+/", "#"]`, `"a#b#"`},
		{"replace", `["ab", "/(a)(b)/", "$2$1"]`, `"ba"`},
		{"replace", `["ab", "/(?P<x>a)/", "${x}${x}"]`, `"aab"`},
		{"replace", `["ab", "/z/", "x"]`, `"ab"`},
		{"replace", `["a/b", "/", "-"]`, `"a-b"`},
		{"replace", `["a//b", "//", "-"]`, `"-a-/-/-b-"`},
		{"replace", `["ab", "/(/", "x"]`, `!no regular expression`},
		{"replace", `["ab", null, "x"]`, `null`},
	}.run(t)
	for _, f := range []string{"regex", "regexall"} {
		bad := flow.TextOf("(")
		if _, err := Find(f).Prepare([]*flow.Value{&bad, nil}); err == nil {
			t.Errorf("%s takes a pattern that is none", f)
		}
	}
}
