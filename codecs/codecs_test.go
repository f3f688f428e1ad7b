package codecs

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// samples are messages that each codec accepts.
var samples = map[string][]string{
	"json": {
		`null`, `true`, `false`, `0`, `-0`, `42`, `42.0`, `-1e3`, `1E+400`, `12345678901234567890`,
		`""`, `"snot badger"`, `"\"\\\/\b\f\n\r\t\u0000\u00e9\ud83d\ude80"`, `"ü 世界 🚀"`, `"\ud83d"`, `"\ude80\ud83d x"`,
		`[]`, `[ ]`, `[1,[2,[3]],{"a":[]}]`, `{}`, ` { } `,
		`{"b":1,"a":{"c":[true,null,"x"]},"a b":-0.5}`,
		`{"a":1,"b":2,"a":{"x":3}}`, `{"a\"b":1,"\u0061\ud83d\ude80":{"\\":[]}}`,
		" {\r\n\t\"pretty\" : [ 1 ,\n 2 ] , \"x\":\"long enough to take several words of eight\" }\n",
	},
	"string": {"", "snot badger", "\x00\n", "ü 世界 🚀"},
	"binary": {"", "snot badger", "\x00\xff\xfe"},
	"null":   {"", "anything", "\xff"},
}

func TestContract(t *testing.T) {
	for _, spec := range All {
		t.Run(spec.Name, func(t *testing.T) {
			if len(samples[spec.Name]) == 0 {
				t.Fatal("there are no samples of its messages")
			}
			var messages [][]byte
			for _, s := range samples[spec.Name] {
				messages = append(messages, []byte(s))
			}
			flowtest.Codec(t, spec, messages...)
		})
	}
}

func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, spec := range All {
		if spec.Name == "" || spec.Summary == "" || spec.Doc == "" || spec.Example == "" || seen[spec.Name] {
			t.Errorf("%q: every codec has a name of its own, a summary, documentation and an example", spec.Name)
		}
		seen[spec.Name] = true
	}
}

// codecOf returns the codec of a configuration.
func codecOf(t testing.TB, c flow.CodecConfig) flow.Codec {
	t.Helper()
	maker, err := c.New()
	if err != nil {
		t.Fatal(err)
	}
	return maker()
}
