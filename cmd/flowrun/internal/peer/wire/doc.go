// Package wire is one WebSocket connection of a scripted peer: what has come and
// nobody has asked for yet, what must never come, and how it ended.
//
//	conn        a goroutine that reads into a bounded inbox; writing; leaving
//	violation   what the other side must not send
//	gate        reading slowly, or not at all
//	door        connections that come to a listening peer, in their order
//	text        bytes as people can read them
//	transcript  the last of what has happened
//
// The frames are those of package rfc6455, for client and server: a peer of a test
// must be able to do what no library lets one do, and to see what libraries hide.
package wire
