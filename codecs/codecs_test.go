package codecs

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/flowrun/flowrun/codecs/avro"
	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/flows"
	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowtest"
	"github.com/flowrun/flowrun/runtime/pipeline"
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
	"json_lines": {`{"a":1}`, `[]`, `1`},
	"string":     {"", "snot badger", "\x00\n", "ü 世界 🚀"},
	"binary":     {"", "snot badger", "\x00\xff\xfe"},
	"msgpack": {
		"\xc0", "\xc2", "\xc3", "\x00", "\x7f", "\xff", "\xe0", "\xcc\xff", "\xcd\xff\xff", "\xce\xff\xff\xff\xff",
		"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "\xd0\x80", "\xd1\x80\x00", "\xd2\x80\x00\x00\x00",
		"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "\xca\x3f\x80\x00\x00", "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00",
		"\xa0", "\xa4snot", "\xd9\x01x", "\xda\x00\x01x", "\xdb\x00\x00\x00\x01x", "\xa2\xff\xfe",
		"\xc4\x00", "\xc4\x01\xff", "\xc5\x00\x01x", "\xc6\x00\x00\x00\x01x",
		"\x90", "\x93\x01\xc0\x91\xa1x", "\xdc\x00\x01\x01", "\xdd\x00\x00\x00\x01\x01",
		"\x80", "\x83\xa1b\x01\xa1a\x81\x05\x90\xff\xc3", "\x82\xa1a\x01\xc4\x01a\x02", "\xde\x00\x01\xa1a\x01",
		"\xdf\x00\x00\x00\x01\xa1a\x01", "\x81\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"\xd6\xff\x00\x00\x00\x01", "\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x00",
		"\xc7\x0c\xff\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff", "\xc7\x0c\xff\x00\x00\x00\x01\x7f\xff\xff\xff\xff\xff\xff\xff",
		"\xd4\x05x", "\xd7\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\xc7\x00\x07", "\xd8\x07" + "0123456789abcdef",
	},
	"yaml": {"", "a", "12", "a: 1\nb:\n  c: [1, 2.50]\n", "- x\n- {y: null}\n", "\"a\\nb\"", "!!binary aGk="},
	"csv":  {"a,b,c", "\"a\"\"b\",\"x,y\"", "\"\"", ",", "1,2.5,true", "\"line\nbreak\",z", "é世界"},
	"syslog": {
		"<34>1 2026-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed for lonvick on /dev/pts/8",
		"<165>1 2026-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
		"<165>1 2026-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"App\\]\\\"\"][x@1 class=\"high\"]",
		"<0>1 - - - - - -",
		"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
		"<13>Feb  5 17:32:18 10.0.0.99 sshd[4242]: Use the BFG!",
	},
	"gelf": {
		`{"version":"1.1","host":"example.org","short_message":"A short message","full_message":"Backtrace here\n\nmore","timestamp":1385053862.3072,"level":1,"_user_id":9001,"_some_info":"foo"}`,
		`{"short_message":"x","nested":{"a":[1,{"b":true}]},"host":"h"}`,
		`{"version":"1.0","host":"h","short_message":"","facility":"f","line":7}`,
	},
	"influx": {
		"weather,city=Graz temp=21.5,ok=true 1795227184000000000", "m f=1i", "m,a=b,c=d f=18446744073709551615u,s=\"a \\\"b\\\"\" -5",
		"with\\ space,t\\,ag=v\\=x f\\ g=\"x\" 0",
	},
	"statsd": {"gorets:1|c", "gorets:1|c|@0.1|#shop:7,beta", "glork:320.5|ms", "gaugor:333|g", "gaugor:-10|g", "gaugor:+4|g", "uniques:765|s", "a.b:1|d|T1656581400|c:ci-1", "u:|s|#"},
	"avro":   {"\x02\x00\x00", "\x01\x02\x04hi\x02\x02\xff\x00", "\x02\x04\x04\x00\x00\x00"},
	"bgp": {
		`["R",1,"2026-07-13T00:00:00.037","KEEPALIVE",null,{}]`,
		`["L",2,"2026-07-13T00:00:00.037","OPEN",{"bgp":4,"asn":65055,"id":"192.0.2.1","hold":90,"caps":{"MP":["IPV4/UNICAST","IPV6/UNICAST"],"ROUTE_REFRESH":true,"AS4":65055}},{}]`,
		`["R",243,"2025-07-11T11:23:50.860","UPDATE",{"reach":["192.0.2.0/24"],"attrs":{"ORIGIN":{"flags":"T","value":"IGP"},"ASPATH":{"flags":"T","value":[64501,[3356,174]]}}},{"PEER_IP":"192.0.2.1"}]`,
		`["R",0,"2026-07-13T00:00:00.000","NOTIFY","0x0602",{}]`,
	},
	"null": {"", "anything", "\xff"},
}

const avroSchema = `{"type": "record", "name": "r", "fields": [
	{"name": "a", "type": "long"}, {"name": "b", "type": ["null", "string", "r"], "default": null}, {"name": "c", "type": {"type": "array", "items": "bytes"}}]}`

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
			if spec.Name == "avro" {
				spec.Config = func() flow.CodecConfig { return &avro.Config{Schema: avroSchema, MaxDepth: 100} }
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

func TestExamples(t *testing.T) {
	tables := flows.Tables{Connectors: connectors.All, Codecs: All, Processors: preprocessors.All, Steps: pipeline.Steps}
	for _, spec := range All {
		t.Run(spec.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "example.hcl")
			if err := os.WriteFile(path, []byte(spec.Example), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, report := flows.Load([]string{path}, tables, flows.Inputs{}); report.Text(false) != "" {
				t.Error(report.Text(false))
			}
			formatted, report := flows.Format(path, []byte(spec.Example))
			if report.HasErrors() || string(formatted) != spec.Example {
				t.Errorf("formatted it is\n%s", formatted)
			}
		})
	}
}

// isHarmless checks that a message costs no more memory than its length
// justifies: what it promises costs nothing before it is there.
func isHarmless(t *testing.T, config flow.CodecConfig, bomb []byte) {
	t.Helper()
	codec := codectest.Of(t, config)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var e flow.Event
	if codec.Decode(&e, bomb) == nil {
		if _, err := e.Payload(); err != nil {
			t.Error(err)
		}
	}
	runtime.ReadMemStats(&after)
	if spent, most := after.TotalAlloc-before.TotalAlloc, uint64(100*len(bomb)+1<<16); spent > most {
		t.Errorf("%d bytes cost %d, more than %d", len(bomb), spent, most)
	}
}
