package codecs

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
)

// rowed is a csv codec; change may be nil.
func rowed(change func(*csvConfig)) *csvConfig {
	c := csvSpec.Config().(*csvConfig)
	if change != nil {
		change(c)
	}
	return c
}

// translations are messages of one codec as another writes them, or an error
// behind an exclamation mark.
type translations []struct {
	in      flow.CodecConfig
	message string
	out     flow.CodecConfig
	want    string
}

func (list translations) check(t *testing.T) {
	t.Helper()
	for _, test := range list {
		got, err := translate(t, test.in, test.message, test.out)
		if want, fails := strings.CutPrefix(test.want, "!"); fails && (err == nil || !strings.Contains(err.Error(), want)) || !fails && (err != nil || got != want) {
			t.Errorf("%T %q to %T: got %q, %v; want %q", test.in, test.message, test.out, got, err, test.want)
		}
	}
}

func TestCSV(t *testing.T) {
	json := jsonSpec.Config()
	named := rowed(func(c *csvConfig) { c.Columns = []string{"a", "b"} })
	table := rowed(func(c *csvConfig) { c.Header = true; c.MaxFields = 3 })
	semicolons := rowed(func(c *csvConfig) { c.Separator = ";" })
	translations{
		{rowed(nil), `a,"b ""c""", d ,`, json, `["a","b \"c\""," d ",""]`},
		{rowed(nil), "a\r\n", json, `["a"]`},
		{rowed(nil), "", json, "!it is empty"},
		{rowed(nil), "a\nb", json, "!another row follows"},
		{rowed(nil), "a\xff", json, "!not UTF-8 at byte 1"},
		{rowed(nil), `a"b`, json, `!column 2: bare "`},
		{rowed(nil), `"ab`, json, `!extraneous or missing "`},
		{semicolons, "a,b;c", json, `["a,b","c"]`},
		{named, "1,2", json, `{"a":"1","b":"2"}`},
		{named, "1,2,3", json, "!a row has 3 fields, and there are 2 columns"},
		{table, "x,y\n1,2\n3,4\n", json, `[{"x":"1","y":"2"},{"x":"3","y":"4"}]`},
		{table, "x\n1,2", json, "!line 2: a row has 2 fields"},
		{table, "1,2,3,4", json, "!max_fields is 3"},
		{table, "x", json, `[]`},
		{table, "x,y,x\n1,2,3", json, `!its header names a column "x" twice`},
		{table, "\ufeffx,y\r\n1,2\r\n", json, `[{"x":"1","y":"2"}]`},
		{rowed(nil), "\ufeff\"a\",b", json, `["a","b"]`},
		{json, `["\ufeffa","\ufeff"]`, rowed(nil), "\"\ufeffa\",\"\ufeff\""},
		{json, `["a",1.50,true,null,"x,y","\"","\n"," "]`, rowed(nil), "a,1.50,true,,\"x,y\",\"\"\"\",\"\n\",\" \""},
		{json, `[""]`, rowed(nil), `""`},
		{json, `{"b":2,"a":1}`, rowed(nil), `2,1`},
		{json, `{"b":2,"a":1}`, named, `1,2`},
		{json, `{"b":2}`, named, `,2`},
		{json, `{"c":2}`, named, `!keys that are no columns`},
		{json, `[1]`, named, `!a list of 1 fields`},
		{json, `[[1]]`, rowed(nil), `!a field is of type list`},
		{json, `[]`, rowed(nil), `!needs a field`},
		{json, `5`, rowed(nil), `!it is of type number`},
		{json, `["a;b",","]`, semicolons, `"a;b";,`},
		{json, `[{"x":1,"y":2},{"y":4}]`, table, "x,y\n1,2\n,4"},
		{json, `[]`, table, "!takes a list of objects"},
		{json, `[{"x":1},2]`, table, "!a row is of type number"},
	}.check(t)
	for _, bad := range []func(*csvConfig){
		func(c *csvConfig) { c.Separator = "" }, func(c *csvConfig) { c.Separator = "ab" }, func(c *csvConfig) { c.Separator = `"` },
		func(c *csvConfig) { c.Separator = "\n" }, func(c *csvConfig) { c.Separator = "\xff" }, func(c *csvConfig) { c.Columns = []string{"a", "a"} },
	} {
		if _, err := rowed(bad).New(); err == nil {
			t.Errorf("%+v is accepted", rowed(bad))
		}
	}
}

// FuzzCSV: what is read is written so that it reads the same, apart from
// carriage returns.
func FuzzCSV(f *testing.F) {
	seeds(f, "csv", "x,y\n1,2\n", "\"a\rb\"", "a\x00,b")
	f.Fuzz(func(t *testing.T, message []byte) {
		for _, c := range []*csvConfig{rowed(nil), rowed(func(c *csvConfig) { c.Header = true }), rowed(func(c *csvConfig) { c.Separator = "é"; c.Columns = []string{"a", "b"} })} {
			readsAgain(t, codectest.Of(t, c), message)
		}
	})
}

// readsAgain: what a codec reads of any message, it writes so that it reads
// the same, and then writes the same. It may refuse to write.
func readsAgain(t *testing.T, codec flow.Codec, message []byte) {
	t.Helper()
	var e, again flow.Event
	if codec.Decode(&e, message) != nil {
		return
	}
	v, err := e.Payload()
	if err != nil {
		t.Fatalf("%q was accepted: %v", message, err)
	}
	b, err := codec.Encode(nil, &flow.Event{Value: v})
	if err != nil {
		return
	}
	if err := codec.Decode(&again, b); err != nil {
		t.Fatalf("%q became %q: %v", message, b, err)
	}
	if w, _ := again.Payload(); !w.Equal(v) {
		t.Fatalf("%q became %q, another value", message, b)
	}
}
