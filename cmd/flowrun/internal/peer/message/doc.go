// Package message is what scripted peers know of messages: how a script spells those
// that are sent ([Content]), what those that come must be ([Match]), how it is told
// that one is not ([Unexpected]), and what the expressions in all of it see ([Scope]).
//
// It knows no connections, and no steps.
package message
