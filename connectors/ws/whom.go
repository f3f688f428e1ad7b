package ws

import (
	"fmt"

	"github.com/flowrun/flowrun/connectors/ws/internal/ending"
	"github.com/flowrun/flowrun/runtime/flow"
)

// checkWrote checks what a flow writes into meta.ws_server.
func checkWrote(v flow.Value) error {
	if c, ok := v.Object().Get("close"); ok && !c.IsNull() {
		if err := ending.Check(c); err != nil {
			return fmt.Errorf("meta.ws_server.close: %w", err)
		}
	}
	return nil
}
