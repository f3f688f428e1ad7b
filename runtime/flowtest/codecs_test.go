package flowtest_test

import (
	"testing"

	"github.com/flowrun/flowrun/codecs"
	"github.com/flowrun/flowrun/codecs/avro"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

// accepted are messages of each codec.
var accepted = map[string][]string{
	"json": {
		`null`, `true`, `false`, `0`, `-0`, `42.0`, `1e3`, `12345678901234567890`, `"snot"`,
		`""`, `"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, "\"é世界\U0001F680\"",
		`[]`, `{}`, ` [ 1 , [ ] , { "a" : [ null ] } ] `,
		`["snot","badger"]`, `{"z":1,"a":{"b":[1,2,{"c":"d"}]},"":null,"NaN":42.0}`,
		"{\n\t\"key with \\\"quotes\\\"\": 1,\n\t\"\\u0061\": 2\n}\r\n",
		`{"same":1,"other":2,"same":{"last":"wins"}}`,
	},
	"json_lines": {`{"a":[1,2]}`, `null`},
	"string":     {"", "snot", "é世界\U0001F680", "line\nline"},
	"binary":     {"", "snot", "\x00\xff\xfe"},
	"msgpack":    {"\xc0", "\xc3", "\x00", "\xff", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00", "\xa4snot", "\xc4\x02\x00\xff", "\x93\x01\xc0\x90", "\x82\xa1z\x01\xa1a\x81\xa1b\x92\x01\x02"},
	"yaml":       {"a: 1\nb: [x, {y: z}]\n", "12"},
	"csv":        {"a,b", "\"x,\"\"y\"\"\""},
	"syslog":     {"<34>1 2026-10-11T22:14:15.003Z host su - ID47 [a b=\"c\"] failed", "<34>Oct 11 22:14:15 host su: failed"},
	"gelf":       {`{"version":"1.1","host":"h","short_message":"m","_a":1}`, `{"host":"h","short_message":"m","a":{"b":1}}`},
	"influx":     {"m,t=x f=1,g=2i,h=\"s\" 5"},
	"statsd":     {"a:1|c|@0.5|#x:y", "a:+1|g"},
	"avro":       {"\x00", "\x02\x01", "\x04\x04hi"},
	"bgp":        {`["R",1,"2026-07-13T00:00:00.037","UPDATE",{"reach":["192.0.2.0/24"]},{}]`},
	"null":       {"", "anything"},
}

func TestCodecs(t *testing.T) {
	for _, spec := range codecs.All {
		t.Run(spec.Name, func(t *testing.T) {
			var samples [][]byte
			for _, s := range accepted[spec.Name] {
				samples = append(samples, []byte(s))
			}
			if samples == nil {
				t.Error("this codec has no samples here: add some")
			}
			if spec.Name == "avro" { // it has no default schema
				spec.Config = func() flow.CodecConfig { return &avro.Config{Schema: `["null", "long", "string"]`, MaxDepth: 10} }
			}
			flowtest.Codec(t, spec, samples...)
		})
	}
}
