// Package decode fills the configuration structs of components from flow
// files. What a struct asks for is said by its tags, which package
// runtime/flow describes: names, labels, what is required, bounds, kinds of
// fields. Package hcl's own decoder knows neither those kinds nor sensitive
// values, and stops where we go on to report the next mistake.
//
//	decoder   blocks into structs, arguments to fields
//	variants  blocks whose label says which struct they fill
//	values    one argument into one field, by the field's kind
//	describe  the names of types in messages
package decode
