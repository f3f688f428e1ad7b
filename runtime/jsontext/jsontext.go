// Package jsontext reads and writes JSON texts (RFC 8259) as values of the
// flow language.
//
// It is built for messages that are looked at in few places, or not at all. A
// text is checked once, whole and without allocating ([Check]); from then on
// its bytes are the value, and [Form] reads out of them what is asked for: one
// field, one level, or everything. Because the check has seen every byte,
// nothing that reads afterwards can meet an error, and none checks again.
//
// The spelling belongs to the text: numbers that nobody computed with are
// written as they came (42.0, 1e3, integers of any length), objects keep the
// order of their keys, and of a key that is there twice the last value counts.
package jsontext

import "github.com/flowrun/flowrun/runtime/flow"

// Parse checks one JSON text and returns its whole value, which shares no
// memory with b. It is for texts that are wanted as a value at once: what a
// flow decodes from a string, what stands on a command line.
func Parse(b []byte) (flow.Value, error) {
	text, err := Check(b, DefaultDepth)
	if err != nil {
		return flow.NullValue, err
	}
	return Form{}.Decode(text)
}
