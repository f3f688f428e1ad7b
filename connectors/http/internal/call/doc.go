// Package call makes HTTP requests: where one goes, what is done with its answer, and
// when it is made again.
//
// A [Target] is a URL of a configuration, in which a flow may leave parameters open. A
// [Caller] calls it, as often as it takes, and tells by its [Statuses] what an answer
// is worth. What is secret (the query, header fields, passwords) is in none of its
// errors, also where a server repeats it.
package call
