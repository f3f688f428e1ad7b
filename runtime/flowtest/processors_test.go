package flowtest_test

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/preprocessors"
	"github.com/flowrun/flowrun/runtime/flowtest"
)

const bgpMarker = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

// taken are the messages of processors that do not take any.
var taken = map[string][][]string{
	"bgp_stream": {
		{bgpMarker + "\x00\x13\x04"},
		{bgpMarker + "\x00\x13\x04", bgpMarker + "\x00\x17\x02\x00\x00\x00\x00"},
		{bgpMarker + "\x27\x23\x02" + strings.Repeat("x", 10000), bgpMarker + "\x00\x13\x04"},
	},
	"json_stream": {
		{`{"a":1}`},
		{`{"a":"}\"{"}`, `[1,[2,{}]]`, `"é世界"`, "{\n  \"pretty\": [\n    {}\n  ]\n}"},
		{`[]`, `{}`, `"` + strings.Repeat("long ", 2000) + `"`, `{"x":null}`},
	},
	"msgpack_stream": {
		{"\x81\xa1a\x01"},
		{"\xc0", "\x92\xd7\x00\x00\x00\x00\x01\x00\x00\x00\x02\x81\xa1a\xcf\x01\x02\x03\x04\x05\x06\x07\x08", "\xdc\x00\x02\x01\x02", "\xff"},
		{"\xda\x23\x28" + strings.Repeat("x", 9000), "\xc7\x02\x05ab", "\xdf\x00\x00\x00\x01\xa1a\xca\x00\x00\x00\x00", "\x90"},
	},
}

func TestProcessors(t *testing.T) {
	for _, spec := range preprocessors.All {
		t.Run(spec.Name, func(t *testing.T) {
			var sets [][][]byte
			for _, set := range taken[spec.Name] {
				var messages [][]byte
				for _, message := range set {
					messages = append(messages, []byte(message))
				}
				sets = append(sets, messages)
			}
			if sets == nil {
				flowtest.Processor(t, spec)
				return
			}
			flowtest.ProcessorOf(t, spec, sets)
		})
	}
}
