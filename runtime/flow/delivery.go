package flow

// Delivery says which connections of a connector get an event.
type Delivery int

// The ways of delivery.
const (
	Reply     Delivery = iota // those that it came from, or that the flow names
	Broadcast                 // all that are open
	Topic                     // those that have subscribed to it
	Identity                  // those whose session key it is
)
