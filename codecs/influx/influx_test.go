package influx

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/codecs/internal/codectest"
	"github.com/flowrun/flowrun/runtime/flow"
)

var with = codectest.With[config](Spec)

func TestRead(t *testing.T) {
	codectest.Reads(t, with(nil), `weather,city=Graz\ 1,a=b temp=21.5,n=-3i,u=18446744073709551615u,ok=t,s="a \"b\" c" 1795227184000000000`,
		`{"measurement":"weather","tags":{"city":"Graz 1","a":"b"},"fields":{"temp":21.5,"n":-3,"u":18446744073709551615,"ok":true,"s":"a \"b\" c"},"timestamp":1795227184000000000}`)
	codectest.Reads(t, with(nil), `m f=1`, `{"measurement":"m","tags":{},"fields":{"f":1}}`)
	codectest.Reads(t, with(func(c *config) { c.Precision = "s" }), `m f=1 5`, `{"measurement":"m","tags":{},"fields":{"f":1},"timestamp":5}`)
	codectest.Reads(t, with(nil), ``, `!it has no point`)
	codectest.Reads(t, with(nil), `# comment`, `!it has no point`)
	codectest.Reads(t, with(nil), `m`, `!at byte 1`)
	codectest.Reads(t, with(nil), `m f=x`, `!at byte`)
	codectest.Reads(t, with(nil), `m f=1 x`, `!at byte`)
	codectest.Reads(t, with(nil), `m f=1 123456789012345678901234567890`, `!does not fit 64 bits`)
	codectest.Reads(t, with(nil), "m f=1\nm f=2", `!another line follows`)
	codectest.Reads(t, with(func(c *config) { c.MaxFields = 1 }), `m,a=1,b=2 f=1`, `!more than max_fields 1 tags`)
	codectest.Reads(t, with(func(c *config) { c.MaxFields = 1 }), `m a=1,b=2`, `!more than max_fields 1 fields`)
}

// The parser quotes what it does not understand; an error quotes the beginning.
func TestErrorsAreBrief(t *testing.T) {
	err := codectest.Of(t, with(nil)).Decode(&flow.Event{}, []byte("m,"+strings.Repeat("x", 50_000)+" f=1"))
	if err == nil || len(err.Error()) > 300 || !strings.Contains(err.Error(), `"xxx`) || !strings.HasSuffix(err.Error(), " at byte 2") {
		t.Errorf("%.400v", err)
	}
}

func TestWrite(t *testing.T) {
	codectest.Writes(t, with(nil), `{"measurement":"a b","tags":{"z":"1","a":"x=y","n":null},"fields":{"i":1,"f":1.0,"e":1e3,"b":false,"s":"\"","n":null,"u":18446744073709551615},"timestamp":-5}`,
		`a\ b,z=1,a=x\=y i=1i,f=1,e=1000,b=false,s="\"",u=18446744073709551615u -5`)
	codectest.Writes(t, with(func(c *config) { c.Precision = "ms" }), `{"measurement":"m","fields":{"i":1},"timestamp":1795227184605}`, `m i=1i 1795227184605`)
	codectest.Writes(t, with(nil), `{"measurement":"m","fields":{"i":1}}`, `m i=1i`)
	codectest.Writes(t, with(nil), `{"fields":{"i":1}}`, `!a measurement that is a string`)
	codectest.Writes(t, with(nil), `7`, `!a measurement that is a string`)
	codectest.Writes(t, with(nil), `{"measurement":"m"}`, `!its fields are of type null`)
	codectest.Writes(t, with(nil), `{"measurement":"m","fields":{"a":null}}`, `!it has no fields`)
	codectest.Writes(t, with(nil), `{"measurement":"m","fields":{"a":[]}}`, `!its field "a" is of type list`)
	codectest.Writes(t, with(nil), `{"measurement":"m","fields":{"a":1},"tags":{"b":1}}`, `!its tag "b" is of type number`)
	codectest.Writes(t, with(nil), `{"measurement":"m","fields":{"a":1},"tags":[]}`, `!its tags are of type list`)
	codectest.Writes(t, with(nil), `{"measurement":"m","fields":{"a":1},"x":1}`, `!"x" is no part of a point`)
	codectest.Writes(t, with(nil), `{"measurement":"m","fields":{"a":1},"timestamp":1.5}`, `!its timestamp is no integer`)
	codectest.Writes(t, with(func(c *config) { c.Precision = "s" }), `{"measurement":"m","fields":{"a":1},"timestamp":9223372036854775807}`, `!beyond what nanoseconds`)
	codectest.Writes(t, with(nil), `{"measurement":"","fields":{"a":1}}`, `!and not empty`)
}

// What a reader would take for something else is refused: with a line break, one
// point would be two.
func TestWriteNames(t *testing.T) {
	for bad, why := range map[string]string{
		`"x\ny f=1"`: `has a line break`,
		`"x\r"`:      `has a line break or another control`,
		`"\tx"`:      `has a line break or another control`,
		`"x\\"`:      `ends with a backslash`,
		`"#x"`:       `begins with #`,
	} {
		codectest.Writes(t, with(nil), `{"measurement":`+bad+`,"fields":{"a":1}}`, `!its measurement `)
		codectest.Writes(t, with(nil), `{"measurement":`+bad+`,"fields":{"a":1}}`, `!`+why)
		codectest.Writes(t, with(nil), `{"measurement":"m","tags":{`+bad+`:"x"},"fields":{"a":1}}`, `!`+why)
		codectest.Writes(t, with(nil), `{"measurement":"m","tags":{"x":`+bad+`},"fields":{"a":1}}`, `!its tag "x" `+why)
		codectest.Writes(t, with(nil), `{"measurement":"m","fields":{`+bad+`:1}}`, `!`+why)
	}
	codectest.Writes(t, with(nil), `{"measurement":"m","tags":{"x":""},"fields":{"a":1}}`, `!its tag "x" is empty, or has an empty value`)
	codectest.Writes(t, with(nil), `{"measurement":"m","fields":{"":1}}`, `!its field "" is empty`)
	chars := []rune(`ab\\, =#"` + "\"\n\r\té{}")
	text := func() string {
		s := make([]rune, rand.IntN(5))
		for i := range s {
			s[i] = chars[rand.IntN(len(chars))]
		}
		return string(s)
	}
	for range 5000 {
		point, err := json.Marshal(map[string]any{"measurement": text(), "tags": map[string]string{text(): text()}, "fields": map[string]string{text(): text()}})
		if err != nil {
			t.Fatal(err)
		}
		codectest.ReadsBack(t, with(nil), string(point))
	}
}

func FuzzInflux(f *testing.F) {
	f.Add([]byte(`weather,city=Graz\ 1 temp=21.5,n=-3i,s="a \"b\" c" 1795227184000000000`))
	f.Add([]byte(`m,a\,b=c\=d f\ g=18446744073709551615u`))
	f.Fuzz(func(t *testing.T, message []byte) { codectest.ReadsAgain(t, with(nil), message) })
}
