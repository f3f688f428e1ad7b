package expr

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/google/go-cmp/cmp"
)

// message has 143 bytes, like those of the benchmarks of the whole process.
const message = `{"type":"message","data":{"seq":1234567,"price":101.25,"symbol":"ABCDEF","tags":["a","b"]},"source":"feed-1","time":"2024-01-01T00:00:00.000Z"}`

// lazy are conditions that must neither decode nor allocate, on an event that
// is still in its encoded form.
var lazy = []string{
	`event.type == "message"`,
	`event["type"] != "x"`,
	`event.data.seq > 100`,
	`event.data.price >= 101.25`,
	`event.data.price < 101.251`,
	`event.data.tags[1] == "b"`,
	`event.missing == null`,
	`event == "exit"`,
	`event.data == "exit"`,
	`event.data != event.type`,
	`event.type < "n"`,
	`event.type == "message" && !(event.source == "x") || event.data.seq == 0`,
	`startswith(event.source, "feed")`,
	`contains(event.source, "ee")`,
	`lower(event.type) == "message"`,
	`length(event.type) == 7`,
	`has(event.data.tags)`,
	`coalesce(event.missing, event.data) == 5`,
	`coalesce(event.missing, event.type) == "message"`,
	`peer.port == 1 || peer.tls`,
	`meta.ws_server.kind == "x"`,
	`meta.ws_server.binary == false && meta.ws_server.peer.port == 1 && meta.ws_client.tls == null`,
}

func TestLazy(t *testing.T) {
	for _, src := range lazy {
		x := compileText(t, src)
		e := event(t, message)
		e.Meta.Said = flow.ObjectOf(flow.Field{Key: "ws_server", Value: flow.MapOf(flow.ObjectOf(flow.Field{Key: "kind", Value: flow.TextOf("x")}))})
		e.Origin = &flow.Origin{Connector: &flow.Component{Type: "ws_server"}, Peer: flow.Peer{Host: "h", Port: 1}}
		if n := testing.AllocsPerRun(100, func() {
			if _, err := x.Test(e); err != nil {
				t.Fatal(err)
			}
			if _, err := x.Eval(e); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", src, n)
		}
		if e.Form.(*counting).decoded != 0 {
			t.Errorf("%s: decodes", src)
		}
	}
	if len(message) != 143 {
		t.Errorf("the message has %d bytes", len(message))
	}
}

// TestDecodesOnlyThePart: a list is decoded when somebody looks into it, and
// what is around it never.
func TestDecodesOnlyThePart(t *testing.T) {
	e := event(t, message)
	v, err := compileText(t, `event.data.tags`).Eval(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := v.Encoded(); !ok || e.Form.(*counting).decoded != 0 {
		t.Error("it is decoded before anybody has looked")
	}
	if got := compileText(t, `event.data["tags"][event.data.seq - 1234566]`); spellOutcome(got.Eval(e)) != `"b"` || e.Form.(*counting).decoded != 0 {
		t.Error("an element is not looked up in the encoded form")
	}
	if d := cmp.Diff(flow.ListOf([]flow.Value{flow.TextOf("a"), flow.TextOf("b")}), v); d != "" {
		t.Error(d)
	}
	if n := e.Form.(*counting).decoded; n != 1 {
		t.Errorf("decoded %d times", n)
	}
}

func BenchmarkTest(b *testing.B) {
	for _, src := range []string{`event.type == "message"`, `event.data.price >= 101.25`, `event.data.seq > 100 && event.type == "message"`} {
		x := compileText(b, src)
		arrived := event(b, message)
		for name, e := range map[string]*flow.Event{"encoded": arrived, "decoded": {Value: decoded(b, arrived)}} {
			b.Run(src+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if pass, err := x.Test(e); !pass || err != nil {
						b.Fatal(pass, err)
					}
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	e := parse(b, `event.data.seq > 100 && event.type == var.level`)
	s := scope()
	for b.Loop() {
		if _, diags := Compile(e, s); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
}
