package preprocessors

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// What is passed over is held, too: who began again in the middle of it would
// take its rest for a message.
func TestHeldOfWhatIsPassedOver(t *testing.T) {
	for _, test := range []struct {
		name   string
		config flow.ProcessorConfig
		pieces []string
		held   []int64
	}{
		{"separate", newSeparate(func(c *separate) { c.MaxLength = 3 }), []string{"ab\nlong", "er", "\nx", "\n"}, []int64{4, 6, 1, 0}},
		{"separate by two", newSeparate(func(c *separate) { c.Separator = "\r\n" }), []string{"ab\r", "\nx"}, []int64{3, 1}},
		{"separate unbuffered", newSeparate(func(c *separate) { c.Buffered = false }), []string{"ab"}, []int64{0}},
		{"length_prefix", &lengthPrefix{Size: "text", Order: "big", MaxLength: 3}, []string{"5 lo", "ng", "r1", " a1"}, []int64{4, 6, 1, 1}},
		{"json_stream", &jsonStream{MaxLength: 3, MaxDepth: 9}, []string{"[1,2,", "3] \n", " 4"}, []int64{5, 0, 1}},
	} {
		in, _ := sides(t, test.config)
		for i, p := range test.pieces {
			_ = in.Process([]byte(p), func([]byte) error { return nil }) // what is lost is for other tests
			if got := in.(flow.Holder).Held(); got != test.held[i] {
				t.Errorf("%s holds %d after %q, want %d", test.name, got, test.pieces[:i+1], test.held[i])
			}
		}
		_ = in.Finish(func([]byte) error { return nil })
		if got := in.(flow.Holder).Held(); got != 0 {
			t.Errorf("%s holds %d after the end of the stream", test.name, got)
		}
	}
}
