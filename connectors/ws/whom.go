package ws

import (
	"errors"
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

// checkWhom reports what makes the blocks topics and sessions pointless.
func (c *ServerConfig) checkWhom() error {
	var problems []error
	if t := c.Topics; t != nil {
		names := flow.OfText | flow.OfList
		problems = append(problems,
			flow.MustBe("topics.initial", t.Initial, names),
			flow.MustBe("topics.subscribe", t.Subscribe, names),
			flow.MustBe("topics.unsubscribe", t.Unsubscribe, names))
		if t.Initial == nil && t.Subscribe == nil {
			problems = append(problems, &flow.FieldError{Field: "topics", Err: errors.New("topics needs initial or subscribe: nobody could subscribe to anything")})
		}
	}
	if s := c.Session; s != nil {
		problems = append(problems, flow.MustBe("sessions.key", s.Key, flow.OfText|flow.OfNumber|flow.OfBool))
	}
	return errors.Join(problems...)
}
