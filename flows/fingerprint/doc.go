// Package fingerprint computes what a reload compares: a hash of all that makes
// a part of a flow, and of nothing else.
//
// It looks at meaning, not at text. A configuration counts as it was decoded, so
// that an argument that is not given is the same as one that says its default. An
// expression that is computed per event counts as what it consists of, where each
// part that is known at the start counts as its value: a variable, local or
// each.key that has another value than before makes another expression, one that
// is only called otherwise does not. So layout, comments, parentheses and the
// order of blocks do not matter, and neither does whether a flow is written in
// HCL or in JSON.
package fingerprint
