package flows

import (
	"errors"

	"github.com/flowrun/flowrun/runtime/flow"
)

// eachAlone makes processors that find the borders of messages in datagrams,
// of which one may be lost or overtaken by the next: no message goes on in
// another datagram, and the last of each ends with it.
func eachAlone(make func() flow.Processor) func() flow.Processor {
	return func() flow.Processor { return alone{make()} }
}

type alone struct{ flow.Processor }

// Process implements flow.Processor.
func (a alone) Process(p []byte, emit func([]byte) error) error {
	err := a.Processor.Process(p, emit)
	if rest := a.Finish(emit); rest != nil {
		return errors.Join(err, rest)
	}
	return err
}
