// Package codecs holds what turns the bytes of one message into a payload and
// back. Each codec is one row of [All] and lives in the file of its name, or in
// a package of its own where there is more to it.
//
// Codecs are lazy where that pays. Decode checks that a message is one, and keeps its bytes
// together with a [flow.Form] that knows how to look into them: an event that
// nobody looks at costs the check alone, one whose field is asked for costs
// the way to that field, and an event that leaves as it came is copied. Only
// who changes the payload, or wants it in another encoding, pays for a whole
// decoded value.
//
// The codecs here keep nothing between messages, so one serves all
// connections. They accept no message whose payload could not be read later,
// bound the depth of what is nested, and allocate no more than a message's own
// length justifies.
package codecs

import (
	"bytes"
	"unsafe"

	"github.com/flowrun/flowrun/codecs/avro"
	"github.com/flowrun/flowrun/codecs/bgp"
	"github.com/flowrun/flowrun/codecs/gelf"
	"github.com/flowrun/flowrun/codecs/influx"
	"github.com/flowrun/flowrun/codecs/syslog"
	"github.com/flowrun/flowrun/runtime/flow"
)

// All is the catalogue.
var All = []flow.Spec[flow.CodecConfig]{
	jsonSpec,
	jsonLinesSpec,
	stringSpec,
	binarySpec,
	msgpackSpec,
	yamlSpec,
	csvSpec,
	syslog.Spec,
	gelf.Spec,
	avro.Spec,
	bgp.Spec,
	influx.Spec,
	statsdSpec,
	nullSpec,
}

// shared is b as a string that shares its memory.
func shared(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// one makes the function that a configuration returns for a codec without
// state.
func one(c flow.Codec) func() flow.Codec { return func() flow.Codec { return c } }

// memory is where a decoder reads a message, and where the strings of the
// decoded value live.
type memory struct {
	b   []byte
	own bool // b is a copy that the value may share
}

// shareUpTo is the size up to which the strings of a value are parts of one
// copy of the message. Above it each is a copy of its own, so that who keeps
// a small part of a large message does not keep all of it.
const shareUpTo = 4 << 10

func memoryFor(raw []byte) memory {
	if len(raw) <= shareUpTo {
		return memory{bytes.Clone(raw), true}
	}
	return memory{raw, false}
}

// part is a part of the message that the value may keep.
func (m memory) part(start, end int) string {
	if m.own {
		return shared(m.b[start:end])
	}
	return string(m.b[start:end])
}
