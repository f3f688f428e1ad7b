package flows

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
)

// checkCollect reports where nothing can wait in a queue to leave as one, and says that
// the queue keeps what does. chain is the argument postprocessors, nil without it.
func (r *reader) checkCollect(c *connector, chain hcl.Expression) {
	at, some := c.At, false
	if chain != nil {
		at = chain.Range()
	}
	for _, p := range c.block.Post {
		collects, ok := p.New().(flow.Collector)
		if !ok {
			continue
		}
		if some {
			r.Errorf(at, "%q stands twice in postprocessors: what waits in the queue leaves it once", p.Type)
			return
		}
		some = true
		most, _ := collects.Collects()
		refuse := func(hint, format string, args ...any) {
			r.Errorf(at, format, args...).Hint("%s", hint)
		}
		switch {
		case !c.sound:
		case c.shape.Many:
			refuse("let a step \"batch\" make one event of several", "%q cannot stand in postprocessors of %s: it is for connectors that connect to others, since only their queues keep what waits", p.Type, c.Owner)
		case c.shape.Asks && c.shape.Queue == nil:
			refuse("give it one: queue { persistent = \"…\" }", "%q needs a queue in which events wait for others, and %s has none", p.Type, c.Owner)
		case c.shape.Queue == nil:
			refuse("leave it out", "%q cannot stand in postprocessors of %s: it has no queue in which messages could wait for others", p.Type, c.Owner)
		case c.shape.MaxFrame > 0 && most > c.shape.MaxFrame:
			refuse("write max_bytes = 1400, which passes networks in one piece", "%q makes messages of up to max_bytes %d, and %s can send no more than %d in one piece", p.Type, most, c.Owner, c.shape.MaxFrame)
		case c.shape.Keep == nil:
			c.shape.Keep = &setting.Keep{}
		}
	}
}
