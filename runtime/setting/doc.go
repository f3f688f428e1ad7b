// Package setting is how flows write what they set: lengths of time and sizes with
// their units, paths, secrets, and the blocks that several components have in
// common (sockets, TLS, queues).
//
// A configuration's fields are of these types; package flow says how fields are
// described. An error about one of them is an [Error], which knows the argument that
// it is about.
//
// This package imports no sibling.
package setting
