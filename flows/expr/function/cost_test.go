package function

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/jsontext"
)

// hot are calls that stand in conditions and must not allocate.
var hot = []struct {
	name string
	args []flow.Value
}{
	{"length", []flow.Value{flow.TextOf("hello")}},
	{"lower", []flow.Value{flow.TextOf("hello")}},
	{"trimspace", []flow.Value{flow.TextOf(" hello ")}},
	{"trimprefix", []flow.Value{flow.TextOf("hello"), flow.TextOf("he")}},
	{"substr", []flow.Value{flow.TextOf("hello"), flow.IntOf(1), flow.IntOf(2)}},
	{"startswith", []flow.Value{flow.TextOf("hello"), flow.TextOf("he")}},
	{"endswith", []flow.Value{flow.TextOf("hello"), flow.TextOf("lo")}},
	{"contains", []flow.Value{flow.TextOf("hello"), flow.TextOf("ell")}},
	{"contains", []flow.Value{flow.ListOf([]flow.Value{flow.TextOf("a"), flow.TextOf("b")}), flow.TextOf("b")}},
	{"lookup", []flow.Value{flow.MapOf(flow.ObjectOf(flow.Field{Key: "a", Value: flow.IntOf(1)})), flow.TextOf("a"), flow.IntOf(0)}},
	{"type", []flow.Value{flow.TextOf("hello")}},
	{"tonumber", []flow.Value{flow.TextOf("12.5")}},
	{"tobool", []flow.Value{flow.TextOf("true")}},
	{"abs", []flow.Value{flow.IntOf(-1)}},
	{"floor", []flow.Value{flow.NumberOf("1.5")}},
	{"min", []flow.Value{flow.IntOf(1), flow.NumberOf("1.5"), flow.IntOf(3)}},
	{"sum", []flow.Value{flow.ListOf([]flow.Value{flow.IntOf(1), flow.NumberOf("1.5")})}},
	{"path", []flow.Value{flow.MapOf(flow.ObjectOf(flow.Field{Key: "a", Value: flow.ListOf([]flow.Value{flow.IntOf(1)})})), flow.TextOf("a[0]")}},
	{"cidrcontains", []flow.Value{flow.TextOf("10.0.0.0/8"), flow.TextOf("10.1.2.3")}},
	{"cidrcontains", []flow.Value{flow.ListOf([]flow.Value{flow.TextOf("10.0.0.0/8"), flow.TextOf("fe80::/10")}), flow.TextOf("fe80::1")}},
	{"prefix_overlaps", []flow.Value{update(), flow.TextOf("2001:db8::/48")}},
	{"prefix_within", []flow.Value{update(), flow.ListOf([]flow.Value{flow.TextOf("11.0.0.0/8"), flow.TextOf("10.0.0.0/8")})}},
	{"prefix_covers", []flow.Value{update(), flow.TextOf("10.1.2.3")}},
	{"as_path", []flow.Value{update()}},
	{"as_origin", []flow.Value{update()}},
	{"community", []flow.Value{update(), flow.TextOf("no-export")}},
	{"regex", []flow.Value{flow.TextOf("[0-9]+$"), flow.TextOf("from 10.1.2.3")}},
	{"any", []flow.Value{flow.ListOf([]flow.Value{flow.BoolOf(true)})}},
	{"epoch", []flow.Value{flow.TextOf("2020-01-02T03:04:05Z")}},
}

// update is a message as the codec bgp makes it, once somebody has looked into it.
func update() flow.Value {
	m, err := jsontext.Parse([]byte(`{"type":"UPDATE","data":{"reach":["192.0.2.0/24","10.1.0.0/16"],"attrs":{"ASPATH":{"value":[64501,3356]},` +
		`"COMMUNITY":{"value":["64501:100","65535:65281"]},"MP_REACH":{"value":{"prefixes":["2001:db8::/32"]}}}}}`))
	if err != nil {
		panic(err)
	}
	return m
}

// ready is the function as it is called per event: prepared, and by itself.
func ready(t testing.TB, name string, args []flow.Value) func() (flow.Value, error) {
	f := Find(name)
	if f.Prepare != nil {
		constants := make([]*flow.Value, len(args))
		for i := range args {
			if name == "path" == (i == 1) { // the value is the event's
				constants[i] = &args[i]
			}
		}
		p, err := f.Prepare(constants)
		if err != nil {
			t.Fatal(err)
		}
		if p != nil {
			f = p
		}
	}
	switch {
	case f.Call1 != nil:
		return func() (flow.Value, error) { return f.Call1(args[0]) }
	case f.Call2 != nil:
		return func() (flow.Value, error) { return f.Call2(args[0], args[1]) }
	case f.Call3 != nil:
		return func() (flow.Value, error) { return f.Call3(args[0], args[1], args[2]) }
	}
	return func() (flow.Value, error) { return f.Call(args) }
}

func TestHotFunctionsDoNotAllocate(t *testing.T) {
	for _, h := range hot {
		call := ready(t, h.name, h.args)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := call(); err != nil {
				t.Fatal(h.name, err)
			}
		}); n != 0 && !flowtest.RaceDetector {
			t.Errorf("%s makes %v allocations", h.name, n)
		}
	}
}

func BenchmarkFunctions(b *testing.B) {
	text := flow.TextOf("GET /index.html HTTP/1.1 from 10.1.2.3")
	more := []struct {
		name string
		args []flow.Value
	}{
		{"regex", []flow.Value{flow.TextOf("(\\w+) (\\S+)"), text}},
		{"replace", []flow.Value{text, flow.TextOf("/[0-9]+/"), flow.TextOf("#")}},
		{"formatdate", []flow.Value{flow.TextOf("YYYY-MM-DD hh:mm:ss"), flow.TextOf("2020-01-02T03:04:05Z")}},
		{"merge", []flow.Value{flow.MapOf(flow.ObjectOf(flow.Field{Key: "a", Value: flow.IntOf(1)})), flow.MapOf(flow.ObjectOf(flow.Field{Key: "b", Value: flow.IntOf(1)}))}},
		{"format", []flow.Value{flow.TextOf("%s=%d"), text, flow.IntOf(5)}},
		{"sha256", []flow.Value{text}},
		{"uuid", nil},
	}
	for _, h := range append(more, hot...) {
		b.Run(h.name, func(b *testing.B) {
			call := ready(b, h.name, h.args)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
