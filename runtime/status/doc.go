// Package status is how an engine is doing, seen from outside: what package engine
// tells whoever asks it, and the management API, the metrics and the screens of an
// operator show. [Health] says what each connector is doing, [Counts] what has passed
// since the start, and a [Flow] and its [Listener]s what runs and where it is reached.
//
// All of it is plain data about one moment: it belongs to whoever asked, and changes
// no more.
package status
