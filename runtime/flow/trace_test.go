package flow

import "testing"

func TestTraces(t *testing.T) {
	client := &Trace{ID: [16]byte{0x4b, 15: 0x36}, Span: [8]byte{7: 0xb7}, Flags: 1}
	if got := client.Parent(); got != "00-4b000000000000000000000000000036-00000000000000b7-01" || !client.Sampled() || (&Trace{Flags: 2}).Sampled() {
		t.Error(got)
	}
	own := &Trace{}
	for _, c := range []struct {
		e    Event
		want *Trace
	}{
		{Event{}, nil},
		{Event{Origin: &Origin{}}, nil},
		{Event{Origin: &Origin{Trace: client}}, client},
		{Event{Origin: &Origin{Trace: client}, Trace: own}, own},
	} {
		if got := c.e.OnwardTrace(); got != c.want {
			t.Errorf("%v, not %v", got, c.want)
		}
	}
}
