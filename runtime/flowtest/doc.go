// Package flowtest tests components, and stands in for what is around them.
//
// [Codec], [Processor] and [Connector] are conformance suites: they hold a
// component to the contracts of package flow, whatever it does besides. A
// component's own tests call its suite and then test what is particular.
//
// [Host] is what a connector runs in: real links of package runtime/link, with
// a [Sink] behind `out` and another behind `err`, and checks that the
// connector keeps to the contract of flow.Link.
//
// Everything here waits for conditions, never for time to pass, and fails the
// test when a condition does not come true for a long time.
package flowtest
