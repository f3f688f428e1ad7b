// Package wire is one WebSocket connection of a scripted peer: its frames, well
// formed or not, what has come and nobody has asked for yet, and how it ended.
//
//	frame    the frames of RFC 6455, and what the other side must not send
//	conn     a goroutine that reads into a bounded inbox; writing; leaving
//	gate     reading slowly, or not at all
//	door     connections that come to a listening peer, in their order
//	text     bytes as people can read them
//	transcript  the last of what has happened
//
// The frames are our own, for client and server: a peer of a test must be able
// to do what no library lets one do, and to see what libraries hide.
package wire
