// Package flow is the vocabulary of flowrun: the types that every other
// package speaks, and nothing that runs.
//
// An [Event] is one decoded message. It carries its bytes as long as they are
// true ([Form] knows how to look into them without decoding all), its
// [Meta], and its [Origin]: the connection that it came from, and the way back.
//
// A [Value] is what expressions see and make. A list or an object in it may
// still be encoded ([LazyOf]): it is decoded level by level, as far as somebody
// looks, and what nobody has looked at or changed leaves as it came.
//
// A [Connector] moves bytes between the world and the runtime. It opens a
// [Link] per connection and gives it [Frame]s; the link (package runtime/link)
// runs a chain of [Processor]s and a [Codec] that belong to that connection
// alone, and sends the events on to a [Sink]. What flows the other way is
// encoded by the link and handed to the connector's [Writer].
//
// Components are described by rows of tables ([Spec]): a name, documentation
// and a configuration struct with defaults that builds the component. Package
// flows fills the struct from a flow file; tags on its fields say the rest:
//
//	hcl:"max_length"     the argument's or block's name; "label" for a block's label: hcl:"name,label"
//	required:"true"      the argument must be given
//	oneof:"text|binary"  the only values allowed
//	min:"1" max:"9"      bounds of a number (for Size and Duration in their own spelling)
//	single:"true"        a list of one element can be written as that element
//	doc:"..."            one line for the component reference
//	of:"connection"      an Expr about a connection: of event, meta and peer it may use peer alone
//	vars:"state|n"       names that an Expr or Aggregate may use beside event, meta and peer
//
// A field is a bool, int, float64, string, a type that implements
// encoding.TextUnmarshaler ([setting.Duration], [setting.Size], [setting.Secret],
// URL of package endpoint), a [setting.Path], an [Expr], an [Aggregate], a slice or
// string-keyed map of those (an attribute), a struct or pointer to struct (a block;
// the pointer says whether it is there), a slice of structs (a block that may be
// repeated), or [Variants] (a block that may be repeated and whose label says what is
// in it).
//
// Of its siblings this package imports setting alone, and it starts no goroutine.
package flow
