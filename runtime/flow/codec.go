package flow

import "time"

// Codec fills or spells one event. It belongs to one connection and is called
// from one goroutine at a time per method; a codec without state may be
// shared by all.
type Codec interface {
	// Decode sets e's payload from frame, which it may keep as e.Raw: the bytes stay valid
	// as long as [Event] says. An error means that frame is no message, and the connection goes
	// on: one with a method NoEvent that frame is passed over, with Truncated that it was cut off.
	Decode(e *Event, frame []byte) error
	// Encode appends the spelling of e's payload to dst. It does not change
	// what e shares with others. The result depends on e alone, so that an
	// event for many connections is encoded once.
	Encode(dst []byte, e *Event) ([]byte, error)
}

// Processor reshapes one direction of one connection: it takes pieces of the
// stream, or messages, and emits others. It belongs to one connection and
// direction and is called from one goroutine at a time.
//
// p is the caller's and is not changed. What is passed to emit may be a part of
// p, or of the processor's own memory; it stays valid and unchanged until the
// next Process or Finish, because a batch of events points into it.
//
// An error returned by emit is returned at once. A *Loss among the errors
// says that a message was dropped and the stream goes on; a processor
// reports each through the error of Process, after it has emitted the
// messages around it (errors.Join where there are several). Any other error
// means that the rest of p is lost, and the stream goes on with the next p.
type Processor interface {
	Process(p []byte, emit func([]byte) error) error
	// Finish emits what is held when the stream ends. The processor is ready
	// for a new stream afterwards.
	Finish(emit func([]byte) error) error
}

// Holder is implemented by inward processors that find the borders of messages in
// a stream.
type Holder interface {
	// Held is how many of the last bytes that Process was given belong to a
	// message that has not ended, also of one that is passed over: whoever reads
	// the stream again from there on misses nothing.
	Held() int64
}

// Stateless is implemented by outward processors that make of a message what
// they would make of it alone, whatever they were given before: what one of them
// has made is sent to many connections.
type Stateless interface{ Stateless() }

// Dated is implemented by inward processors that know when a message came, from
// what it says.
type Dated interface {
	// Came is that of what the processor emits, in nanoseconds since 1970. It is asked
	// while it does.
	Came() int64
}

// Dater is implemented by outward processors that say when a message came.
type Dater interface {
	// Date is called before Process, with the [Event.Time] of the event that the
	// message is made of.
	Date(came int64)
}

// Collector is implemented by the outward processor that makes one message of several.
// It is given what waits in the queue of a connector, when that leaves it, and so is
// what stands behind it.
//
// Process emits only what it was given before; Finish emits the rest. Either emits at
// most once.
type Collector interface {
	// Collects says how many bytes need not wait for more, and for how long fewer do.
	Collects() (maxBytes int, maxWait time.Duration)
}

// Loss is one message that a processor had to drop. An Err with a method Truncated says
// that it was cut off: the stream has ended within it.
type Loss struct {
	Err error
	Raw []byte // the message, or its beginning where it was too long to keep
}

// Error describes the loss.
func (l *Loss) Error() string { return l.Err.Error() }

// Unwrap returns the cause.
func (l *Loss) Unwrap() error { return l.Err }

// CodecUse is a codec as one connector uses it.
type CodecUse struct {
	Type        string
	New         func() Codec
	Text        bool
	MediaType   string // "" where the codec has none
	Fingerprint Fingerprint
}

// ProcessorUse is a processor as one connector uses it, in one direction.
type ProcessorUse struct {
	Type        string
	New         func() Processor
	Text        bool
	Fingerprint Fingerprint
}
