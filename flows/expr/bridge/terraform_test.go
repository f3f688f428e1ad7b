package bridge_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/flowrun/flowrun/flows/expr/bridge"
	"github.com/flowrun/flowrun/flows/expr/function"
)

// TestClosedList holds the table against the language's list.
func TestClosedList(t *testing.T) {
	closed := strings.Fields(`abs ceil floor round min max sum parseint pow log signum
		lower upper title trim trimspace trimprefix trimsuffix startswith endswith contains replace split join substr strlen format indent regex regexall reverse chomp
		length keys values lookup merge has pick omit concat flatten distinct sort slice range zipmap element index compact chunklist any all coalesce
		jsonencode jsondecode yamlencode yamldecode csvdecode base64encode base64decode urlencode hexencode hexdecode
		sha256 sha1 md5 hmac_sha256 uuid crc32 now timestamp formatdate parsedate timeadd epoch epoch_ms
		cidrcontains cidroverlaps cidrsubnet cidrhost cidrs
		prefix_overlaps prefix_within prefix_covers prefixes as_path as_origin community tostring tonumber tobool bytes utf8 type can try path`)
	atStart := bridge.Functions()
	for _, name := range closed {
		if function.Find(name) == nil {
			t.Errorf("there is no %s", name)
		}
		if _, ok := atStart[name]; !ok {
			t.Errorf("there is no %s at start-up", name)
		}
	}
	if len(closed) != len(function.All) || len(closed) != len(atStart) {
		t.Errorf("%d functions, %d at start-up, and %d in the list", len(function.All), len(atStart), len(closed))
	}
}

// TestAsTerraform compares functions that Terraform has with those of package
// cty, which are Terraform's, where both are to agree.
func TestAsTerraform(t *testing.T) {
	theirs := map[string]ctyfunction.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
		"parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc, "chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc,
		"indent": stdlib.IndentFunc, "join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"split": stdlib.SplitFunc, "substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
		"trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc, "strlen": stdlib.StrlenFunc,
		"chunklist": stdlib.ChunklistFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc,
		"contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc,
		"length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc, "merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc,
		"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc, "csvdecode": stdlib.CSVDecodeFunc,
		"jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc, "formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc,
		"replace": stdlib.ReplaceFunc,
	}
	ours := bridge.Functions()
	for src := range strings.Lines(calls) {
		src = strings.TrimSpace(src)
		e := parse(t, src)
		want, theirDiags := e.Value(&hcl.EvalContext{Functions: theirs})
		got, diags := e.Value(&hcl.EvalContext{Functions: ours})
		if diags.HasErrors() != theirDiags.HasErrors() {
			t.Errorf("%s: %v, and in Terraform %v", src, diags, theirDiags)
			continue
		}
		if diags.HasErrors() {
			continue
		}
		if a, b := spell(t, got), spell(t, want); a != b {
			t.Errorf("%s is %s, and in Terraform %s", src, a, b)
		}
	}
}

func spell(t *testing.T, v cty.Value) string {
	t.Helper()
	text, err := stdlib.JSONEncode(v)
	if err != nil {
		t.Fatal(err)
	}
	return text.AsString()
}

const calls = `abs(-1.5)
	ceil(-1.5)
	floor(-1.5)
	log(16, 2)
	max(1, 3.5, 2)
	min(1, -3.5, 2)
	parseint("-7f", 16)
	parseint("Zz", 62)
	parseint("8", 8)
	pow(3, 4)
	pow(4, 0.5)
	signum(-3)
	chomp("a\n\n")
	format("%s-%d-%5.2f-%q-%t-%%", "a", 5, 2.5, "x", true)
	format("%-5s|%5s|%05d|%x|%X|%b|%o|%e", "a", "b", 42, 255, 255, 5, 8, 1234.5)
	format("%v %v %v", 1, true, "x")
	format("%s")
	format("%d", 1.5)
	indent(3, "a\nb\n\nc")
	join(", ", ["a", "b"])
	lower("ÀB")
	regex("a+", "baab")
	regex("(a+)(x)?", "baab")
	regex("(?P<n>a+)", "baab")
	regex("z", "baab")
	regexall("a", "baab")
	regexall("(a)(b)?", "baab")
	regexall("z", "baab")
	split(",", "a,,b")
	split(",", "")
	substr("hello", 1, 3)
	substr("hello", -3, 2)
	substr("hello", 2, -1)
	substr("hello", 10, 1)
	title("hello world-wide")
	trim("?!a?!", "!?")
	trimprefix("aab", "a")
	trimsuffix("abb", "b")
	trimspace(" a ")
	upper("àb")
	strlen("日本")
	replace("a.b.c", ".", "-")
	chunklist([1, 2, 3], 2)
	compact(["a", "", "b"])
	concat([1], [2, 3])
	contains(["a"], "a")
	contains(["a"], "b")
	distinct([1, 2, 1])
	element(["a", "b"], 3)
	element(["a", "b"], -1)
	element([], 0)
	flatten([[1], [[2]], 3])
	keys({ b = 1, a = 2 })
	values({ b = 1, a = 2 })
	length([1, 2])
	lookup({ a = 1 }, "a", 0)
	lookup({ a = 1 }, "b", 0)
	merge({ a = 1, b = { c = 1 } }, { b = { d = 2 } })
	merge({ a = 1 }, null)
	range(3)
	range(-3)
	range(1, 5, 2)
	range(5, 1)
	range(5, 1, -2)
	range(1, 2, 0)
	reverse([1, 2, 3])
	slice([1, 2, 3], 1, 2)
	slice([1, 2, 3], 1, 5)
	sort(["b", "a", "C"])
	zipmap(["a", "b"], [1, 2])
	zipmap(["a"], [1, 2])
	csvdecode("a,b\n1,2\n")
	jsondecode("{\"a\":[1,null]}")
	jsonencode({ b = [1.5, null], a = "x" })
	formatdate("DD MMM YYYY hh:mm ZZZ", "2018-01-02T23:12:01Z")
	formatdate("EEEE, DD-MMM-YY h:m:s 'o''clock' AA ZZZZ", "2018-01-02T23:12:01-08:00")
	formatdate("YYYYY", "2018-01-02T23:12:01Z")
	formatdate("YYYY", "2018-01-02")
	timeadd("2017-11-22T00:00:00Z", "10m")
	timeadd("2017-11-22T00:00:00Z", "-1.5h")
	timeadd("2017-11-22T00:00:00Z", "x")`
