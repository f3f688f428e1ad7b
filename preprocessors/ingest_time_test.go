package preprocessors

import (
	"testing"

	"github.com/flowrun/flowrun/runtime/flow"
)

func TestIngestTime(t *testing.T) {
	in, out := sides(t, ingestTimeSpec.Config())
	out.(flow.Dater).Date(0x0102030405060708)
	diff(t, result{messages: []string{"\x01\x02\x03\x04\x05\x06\x07\x08abc", "\x01\x02\x03\x04\x05\x06\x07\x08"}}, run(t, out, pieces("abc", "")...))
	out.(flow.Dater).Date(-1)
	diff(t, result{lost: []string{"abc"}}, run(t, out, []byte("abc")))

	var came []int64
	for _, piece := range pieces("\x01\x02\x03\x04\x05\x06\x07\x08abc", "\x00\x00\x00\x00\x00\x00\x00\x00", "\x7f\xff\xff\xff\xff\xff\xff\xff{}") {
		if err := in.Process(piece, func([]byte) error {
			came = append(came, in.(flow.Dated).Came())
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	if len(came) != 3 || came[0] != 0x0102030405060708 || came[1] != 0 || came[2] != 1<<63-1 {
		t.Errorf("they came at %d", came)
	}
	bad := []string{"", "1234567", "\x80\x00\x00\x00\x00\x00\x00\x00abc", "\xff\xff\xff\xff\xff\xff\xff\xff"}
	diff(t, result{lost: bad}, run(t, in, pieces(bad...)...))
}

func FuzzIngestTime(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08abc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, out := sides(t, ingestTimeSpec.Config())
		r := run(t, in, data)
		if len(r.messages)+len(r.lost) != 1 || len(r.errs) > 0 {
			t.Fatalf("one message became %+v", r)
		}
		if len(r.messages) == 1 {
			out.(flow.Dater).Date(in.(flow.Dated).Came())
			diff(t, result{messages: []string{string(data)}}, run(t, out, []byte(r.messages[0])))
		}
	})
}
