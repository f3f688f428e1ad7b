package function

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/jsontext"
	"github.com/flowrun/flowrun/runtime/valuekey"
)

// interesting are texts and numbers at the borders of what functions expect.
var interestingTexts = []string{
	"", "a", "é日", "\xff\x00", "/(a)|b/", "/", "(?P<x>.)", "(", "%s %d", "%", "%-5.3f|%q", "a.b[0]", "[", "10.0.0.0/8", "::/0", "10.1.2.3", "/8",
	"2020-01-02T03:04:05Z", "9999-12-31T23:59:59.999999999-23:59", "YYYY-MM-DD hh:mm:ss.fff Z", "''", "1h", "-1e400", "12345678901234567890",
	"0x1", `{"a":[1]}`, "a: [b]\n", "a,b\n1,2", "aGk=", "6869", "true", "$1$0${x}", "zz", ",", "\n",
}

var interestingNumbers = []flow.Value{
	flow.IntOf(0), flow.IntOf(1), flow.IntOf(-1), flow.IntOf(2), flow.IntOf(10), flow.IntOf(62), flow.IntOf(128), flow.IntOf(1000),
	flow.IntOf(math.MaxInt64), flow.IntOf(math.MinInt64), flow.IntOf(1 << 53), flow.FloatOf(0.5), flow.FloatOf(-1e300), flow.FloatOf(math.Inf(1)),
	flow.FloatOf(math.NaN()), flow.FloatOf(math.Copysign(0, -1)), flow.FloatOf(1e18), flow.NumberOf("1e400"), flow.NumberOf("-0"), flow.NumberOf("1.0"),
	flow.NumberOf("9223372036854775808"), flow.NumberOf("1e-400"), flow.NumberOf("0.1"),
}

// arbitrary returns a value of one of the kinds, now and then null.
func arbitrary(r *rand.Rand, kinds flow.Kinds, text string, depth int) flow.Value {
	for {
		kind := flow.Kind(r.IntN(int(flow.Map) + 1))
		if r.IntN(20) == 0 {
			return flow.NullValue
		}
		if kinds&(1<<kind) == 0 || depth > 3 && kind >= flow.List {
			if depth > 3 && kinds&^(flow.OfList|flow.OfMap) == 0 {
				return flow.NullValue
			}
			continue
		}
		pick := func() string {
			if r.IntN(3) == 0 {
				return text
			}
			return interestingTexts[r.IntN(len(interestingTexts))]
		}
		switch kind {
		case flow.Bool:
			return flow.BoolOf(r.IntN(2) == 0)
		case flow.Int, flow.Float, flow.Number:
			return interestingNumbers[r.IntN(len(interestingNumbers))]
		case flow.Text:
			return flow.TextOf(pick())
		case flow.Bytes:
			return flow.BytesOf([]byte(pick()))
		case flow.List:
			list := make([]flow.Value, r.IntN(5))
			some := flow.OfAny
			if r.IntN(2) == 0 { // alike, so that they can be sorted, summed and joined
				some = []flow.Kinds{flow.OfText, flow.OfNumber, flow.OfBool, flow.OfList}[r.IntN(4)]
			}
			for i := range list {
				list[i] = arbitrary(r, some, text, depth+1)
			}
			return flow.ListOf(list)
		case flow.Map:
			o := flow.NewObject(3)
			for range r.IntN(4) {
				o.Set(pick(), arbitrary(r, flow.OfAny, text, depth+1))
			}
			return flow.MapOf(o)
		}
		return flow.NullValue
	}
}

// size is how many values there are in v, and how many bytes of text.
func size(v flow.Value) (n int) {
	n = 1 + len(v.Text()) + len(v.Bytes())
	for _, x := range v.List() {
		n += size(x)
	}
	for _, f := range v.Object().Fields() {
		n += len(f.Key) + size(f.Value)
	}
	return n
}

// FuzzAll calls all functions with arbitrary values: none may panic, make much
// of little, change its arguments or return what it does not promise; and what
// is prepared must be the same.
func FuzzAll(f *testing.F) {
	f.Add(uint64(1), "x")
	f.Add(uint64(465), "") // NaN, which equals nothing
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range All {
			f := &All[i]
			if f.Special {
				continue
			}
			least, most := f.Arity()
			if most < 0 {
				most = least + 3
			}
			args := make([]flow.Value, least+r.IntN(most-least+1))
			null, before := false, 0
			for i := range args {
				p := f.Param(i)
				args[i] = arbitrary(r, p.Kinds, text, 0)
				null = null || args[i].IsNull() && !p.Null
				before += size(args[i])
			}
			held := flow.ListOf(args).Held()
			got, err := f.Invoke(args...)
			spelled, _ := jsontext.Append(nil, flow.ListOf(args), false)
			if !equalOrNaN(flow.ListOf(args), held) {
				t.Fatalf("%s changes its arguments %s", f.Name, spelled)
			}
			if err != nil {
				if !got.IsNull() {
					t.Errorf("%s(%s) returns an error and a value", f.Name, spelled)
				}
			} else if !(f.Returns | flow.OfNull).Has(got) || got.IsNull() && !null && f.Returns&flow.OfNull == 0 {
				t.Errorf("%s(%s) is %s, and promised %s", f.Name, spelled, got.Kinds(), f.Returns)
			}
			if n := size(got); n > 60_000+1000*before && f.Name != "range" {
				t.Errorf("%s(%s) makes %d of %d", f.Name, spelled, n, before)
			}
			if f.Prepare != nil && !null {
				prepared(t, f, args, got, err)
			}
		}
	})
}

func prepared(t *testing.T, f *Function, args []flow.Value, want flow.Value, wantErr error) {
	constants := make([]*flow.Value, len(args))
	for i := range args {
		constants[i] = &args[i]
	}
	p, err := f.Prepare(constants)
	if err != nil && wantErr == nil {
		t.Errorf("%s: it can be called, and not prepared: %v", f.Name, err)
	}
	if p == nil {
		return
	}
	g := *f
	g.Call1, g.Call2, g.Call3, g.Call = p.Call1, p.Call2, p.Call3, p.Call
	got, err := g.Invoke(args...)
	if (err == nil) != (wantErr == nil) || err == nil && !equalOrNaN(got, want) {
		t.Errorf("%s is %s, and prepared %s", f.Name, result(want, wantErr), result(got, err))
	}
}

// equalOrNaN reports whether two values are spelled alike.
func equalOrNaN(a, b flow.Value) bool {
	return string(valuekey.Append(nil, a)) == string(valuekey.Append(nil, b))
}
