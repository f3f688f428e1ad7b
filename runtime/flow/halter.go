package flow

import "time"

// Halter is implemented by hosts that can end the process without a drain.
type Halter interface {
	// Halt ends the process with code after delay, in spite of a drain that
	// is going on. What is in flight then is lost. It returns at once.
	Halt(code int, delay time.Duration)
}
