package codecs

import (
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
)

func TestStatsd(t *testing.T) {
	json, statsd := jsonSpec.Config(), statsdSpec.Config()
	few := &statsdConfig{MaxTags: 1}
	translations{
		{statsd, "gorets:1|c|@0.1|#shop:7,beta,,u:a:b", json, `{"metric":"gorets","type":"c","value":1,"sample_rate":0.1,"tags":{"shop":"7","beta":null,"u":"a:b"}}`},
		{statsd, "g:-10|g\n", json, `{"metric":"g","type":"g","action":"sub","value":10}`},
		{statsd, "g:+1.50|g", json, `{"metric":"g","type":"g","action":"add","value":1.50}`},
		{statsd, "t:-1|ms", json, `{"metric":"t","type":"ms","value":-1}`},
		{statsd, "u:x|s", json, `{"metric":"u","type":"s","value":"x"}`},
		{statsd, "a::b:1|h|T5|c:id", json, `{"metric":"a::b","type":"h","value":1,"timestamp":5,"container":"id"}`},
		{statsd, "a:1:2.5:-3|h|#x:y", json, `!it has several values, "1:2.5:-3": send one a message`},
		{statsd, "", json, "!does not begin with name:value|type"},
		{statsd, ":1|c", json, "!does not begin with"},
		{statsd, "a:1", json, `!no type "" at byte 4`},
		{statsd, "a:1|x", json, `!no type "x" at byte 4`},
		{statsd, "a:x|c", json, `!its value "x" at byte 2 is no number`},
		{statsd, "a:--1|g", json, "!is no number"},
		{statsd, "a:|g", json, "!is no number"},
		{statsd, "a:1|c|x", json, `!a section "x" that is no sample rate`},
		{statsd, "a:1|c|@x", json, "!at byte 6"},
		{statsd, "a\xff:1|c", json, "!not UTF-8 at byte 1"},
		{few, "a:1|c|#a,b", json, "!it has 2 tags, and max_tags is 1, at byte 6"},
		{json, `{"metric":"a","value":1.5e1,"type":"c","tags":{"x":null,"y":"z"},"sample_rate":0.5}`, statsd, "a:1.5e1|c|#x,y:z|@0.5"},
		{json, `{"metric":"a","value":3,"type":"g","action":"sub"}`, statsd, "a:-3|g"},
		{json, `{"metric":"a","value":-3,"type":"g"}`, statsd, "!a gauge below zero cannot be set"},
		{json, `{"metric":"a","value":-3,"type":"g","action":"add"}`, statsd, "!a value that has no sign"},
		{json, `{"metric":"a","value":3,"type":"c","action":"add"}`, statsd, "!action is for gauges"},
		{json, `{"metric":"a","value":"3","type":"c"}`, statsd, "!its value must be a string with"},
		{json, `{"metric":"a","value":3,"type":"s"}`, statsd, "!its value must be a string with"},
		{json, `{"metric":"a|b","value":3,"type":"c"}`, statsd, `!"metric" holds characters`},
		{json, `{"metric":"a","value":3,"type":"c","x":1}`, statsd, `!"x" is no key`},
		{json, `{"metric":"a","value":3,"type":"z"}`, statsd, `!"type" is none of c, g, ms, s, h and d`},
		{json, `{"metric":"a","value":3,"type":5}`, statsd, `!"type" is of the wrong type`},
		{json, `{"metric":"a:1","value":3,"type":"c"}`, statsd, `!"metric" ends with a colon and a number`},
		{json, `{"metric":"a::b","value":3,"type":"c"}`, statsd, "a::b:3|c"},
		{json, `{"metric":"a","value":3,"type":"c","tags":{"a":1}}`, statsd, `!"tags" is of the wrong type`},
		{json, `{"metric":"a","value":3,"type":"c","tags":{"a,b":"c"}}`, statsd, `!"tags" holds characters`},
		{json, `{"value":3,"type":"c"}`, statsd, "!it needs metric, type and value"},
		{json, `7`, statsd, "!of type number, not an object"},
	}.check(t)
}

func FuzzStatsd(f *testing.F) {
	seeds(f, "statsd", "a:--1|g", "a:1|c|x", "a:1|c|#:,a:")
	f.Fuzz(func(t *testing.T, message []byte) { readsAgain(t, codectest.Of(t, statsdSpec.Config()), message) })
}

func TestYAML(t *testing.T) {
	json, yaml := jsonSpec.Config(), yamlSpec.Config()
	small := &yamlConfig{MaxLength: 10, MaxDepth: 2}
	translations{
		{yaml, "b: 1.50\na: [x, null]\n", json, `{"b":1.50,"a":["x",null]}`},
		{yaml, "a: 1\na: 2", json, "!line 2"},
		{yaml, "a: [1", json, "!the text is no YAML"},
		{yaml, "a: 1\n---\nb: 1", json, "!more than one YAML document"},
		{small, "[[[1]]]", json, "!nested deeper than 2"},
		{small, "- - - 1", json, "!nested deeper than 2"},
		{small, "a: 123456789", json, "!it has 12 bytes, and max_length is 10B"},
		{json, `{"b":[1,{"c":null}],"a":"x"}`, yaml, "b:\n  - 1\n  - c: null\na: x\n"},
	}.check(t)
}

func FuzzYAML(f *testing.F) {
	seeds(f, "yaml", "a: &x {b: 1}\nc: *x", "? a\n: b", "|\n x\n y")
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) < 1<<10 {
			readsAgain(t, codectest.Of(t, &yamlConfig{MaxLength: 1 << 10, MaxDepth: 50}), message)
		}
	})
}
