package socket

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowrun/flowrun/connectors/ws/internal/frame"
)

// A reader that was kept waiting for its turn on a busy machine, or for the rest of
// the frame, answers all the same.
func TestACloseFrameIsAnsweredHoweverLongItTook(t *testing.T) {
	bye := masked(nil, frame.Fin|frame.Close, 1, frame.ClosePayload(NormalClosure, "bye"))
	for cut := range len(bye) {
		synctest.Test(t, func(t *testing.T) {
			h := hold(t, Options{CloseTimeout: time.Second})
			send := func(p []byte) {
				if _, err := h.there.Write(p); err != nil {
					t.Errorf("after %d bytes: %v", cut, err)
				}
			}
			send(bye[:cut])
			time.Sleep(time.Minute)
			send(bye[cut:])
			if opcode, payload := h.next(t); opcode != frame.Close || string(payload) != string(frame.ClosePayload(NormalClosure, "bye")) {
				t.Errorf("after %d bytes: answered with %x %q", cut, opcode, payload)
			}
			if why, closed := Closed(<-h.ended); !closed || why.Code != NormalClosure || why.Reason != "bye" {
				t.Errorf("after %d bytes: ended with %+v, %v", cut, why, closed)
			}
		})
	}
}
