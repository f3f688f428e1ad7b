package flows

import (
	"path/filepath"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/queue"
)

// checkKeep reports what would keep a queue from keeping its events, and claims its
// directory: two connectors cannot share one.
func (r *reader) checkKeep(c *connector) {
	keep := c.shape.Keep
	if keep == nil {
		return
	}
	refuse := func(field, hint, format string, args ...any) {
		at, ok := c.places["queue."+field]
		if !ok {
			at = c.At
		}
		r.Errorf(at, format, args...).Hint("%s", hint)
	}
	if keep.Pong && !c.shape.Confirms {
		refuse("confirm", `confirm = "write" is what there is here`, "%s has nothing like a ping that its peer would answer", c.Owner)
	}
	if c.shape.Queue.Overflow == "disconnect" {
		refuse("overflow", `choose "block", "drop_oldest" or "drop_newest"`, "overflow = \"disconnect\" would lose what the queue is to keep")
	}
	if keep.Dir == "" {
		return
	}
	if c.shape.Per != nil {
		refuse("persistent", "leave out persistent or per", "the queues of a connection for each key (per) cannot be persistent: what they are called ends with the process")
	}
	if err := queue.Check(keep.Dir); err != nil {
		refuse("persistent", "events wait there until they are confirmed", "%v", err)
	}
	dir, err := filepath.Abs(keep.Dir)
	if err != nil {
		dir = keep.Dir
	}
	c.shape.Claims = append(c.shape.Claims, flow.Claim{Resource: "the queue in " + dir, Field: "queue.persistent"})
}
