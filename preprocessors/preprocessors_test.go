package preprocessors

import (
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestAll(t *testing.T) {
	type traits struct{ in, out, frames, text bool }
	want := map[string]traits{
		"separate":       {true, true, true, true},
		"length_prefix":  {true, true, true, false},
		"json_stream":    {true, true, true, true},
		"msgpack_stream": {true, true, true, false},
		"bgp_stream":     {true, true, true, false},
		"gelf_chunking":  {true, true, false, false},
		"remove_empty":   {true, true, false, true},
		"base64":         {true, true, false, true},
		"gzip":           {true, true, false, false},
		"zlib":           {true, true, false, false},
		"zstd":           {true, true, false, false},
		"snappy":         {true, true, false, false},
		"lz4":            {true, true, false, false},
		"xz":             {true, true, false, false},
		"decompress":     {true, false, false, false},
		"chunk":          {false, true, false, false},
		"collect":        {false, true, false, true},
		"ingest_time":    {true, true, false, false},
	}
	for _, spec := range All {
		c := spec.Config()
		in, out, err := c.New()
		if err != nil {
			t.Errorf("%s: the defaults are refused: %v", spec.Name, err)
		}
		if got := (traits{in != nil, out != nil, c.Frames(), c.Text()}); got != want[spec.Name] {
			t.Errorf("%s: %+v, want %+v", spec.Name, got, want[spec.Name])
		}
		delete(want, spec.Name)
		if spec.Summary == "" || spec.Doc == "" || !strings.Contains(spec.Example, `"`+spec.Name+`"`) {
			t.Errorf("%s is not documented", spec.Name)
		}
	}
	for name := range want {
		t.Errorf("%s is not in the table", name)
	}
}

func TestTextDependsOnConfiguration(t *testing.T) {
	if !newLengthPrefix("text", "", 0).Text() {
		t.Error("a length in digits makes text binary")
	}
	if newSeparate(func(c *separate) { c.Separator = "\xff" }).Text() {
		t.Error("a separator that is no UTF-8 leaves text as text")
	}
}

// An idle connection's processors, in and out, take next to nothing.
func TestIdleMemory(t *testing.T) {
	for _, spec := range All {
		newIn, newOut, err := spec.Config().New()
		if err != nil {
			t.Fatal(err)
		}
		var keep [2]flow.Processor
		per := testing.AllocsPerRun(100, func() {
			if newIn != nil {
				keep[0] = newIn()
			}
			if newOut != nil {
				keep[1] = newOut()
			}
		})
		if per > 2 {
			t.Errorf("%s: %v allocations for a new connection", spec.Name, per)
		}
	}
}
