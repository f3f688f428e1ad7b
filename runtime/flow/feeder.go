package flow

import "context"

// Feeder is implemented by connectors whose two directions end apart from each
// other: standard input may end while standard output is still written to.
//
// When the connector's `out` port is connected, the engine calls Feed from a
// goroutine of its own, once per Run and while Run is running; otherwise it
// does not call it, and nothing is read. For the end of the process and for
// the order of a drain, Feed is a [Source] whatever the connector's role is:
// its ctx ends with the sources, and when it returns, it is a source that has
// ended, while Run goes on to take events until its own ctx ends.
//
// Feed opens links of its own and closes them before it returns. A nil error
// says that there is nothing more to read. Any other error is logged and
// ends the input too: it is not tried again until Run is.
type Feeder interface {
	Feed(ctx context.Context, host Host) error
}
