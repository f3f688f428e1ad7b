package preprocessors

import (
	"errors"
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

// TestWhatAStreamEndsWithinIsCutOff, and what is wrong otherwise is not.
func TestWhatAStreamEndsWithinIsCutOff(t *testing.T) {
	for _, test := range []struct {
		name string
		of   flow.ProcessorConfig
		p    string
		cut  bool
	}{
		{"within a message", newLengthPrefix("1", "", 0), "\x03ab", true},
		{"within a length", newLengthPrefix("4", "", 0), "\x00", true},
		{"within a JSON text", jsonStreamSpec.Config(), `{"a":[1,`, true},
		{"within a JSON string", jsonStreamSpec.Config(), `"a`, true},
		{"within a MessagePack value", msgpackStreamSpec.Config(), "\x92\x01", true},
		{"within a BGP message", bgpStreamSpec.Config(), "\xff\xff", true},
		{"a broken JSON text", jsonStreamSpec.Config(), "{]\n", false},
		{"a message that is too long", newLengthPrefix("1", "", 1), "\x02ab", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, _ := sides(t, test.of)
			emit := func(p []byte) error { t.Errorf("%q came", p); return nil }
			err := errors.Join(in.Process([]byte(test.p), emit), in.Finish(emit))
			if cut := (interface{ Truncated() })(nil); err == nil || errors.As(err, &cut) != test.cut {
				t.Errorf("cut off? %v", err)
			}
		})
	}
}
