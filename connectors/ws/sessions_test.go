package ws

import (
	"errors"
	"fmt"
	"testing"

	"github.com/coder/websocket"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Two clients of one key that come at once may both have passed the handshake.
func TestASessionTooManyIsClosedAfterTheHandshake(t *testing.T) {
	for reason, err := range map[string]error{
		flow.ErrDuplicate.Error():        flow.ErrDuplicate,
		"the session key cannot be told": errors.New("the session key: no such thing"),
	} {
		f := start(t, nil)
		f.host.Refuse(fmt.Errorf("open: %w", err))
		_, _, got := f.dial().Read(t.Context())
		if ce := (websocket.CloseError{}); !errors.As(got, &ce) || ce.Code != websocket.StatusPolicyViolation || ce.Reason != reason {
			t.Errorf("closed with %v", got)
		}
		if n := f.host.Logs.FilterMessageSnippet("connection refused: open: " + err.Error()).Len(); n != 1 {
			t.Errorf("told %d times", n)
		}
	}
}
