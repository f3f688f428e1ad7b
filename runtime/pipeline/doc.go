// Package pipeline runs the steps of a pipeline and the edges between
// components.
//
// All of it is calls. A step is a [flow.Sink] that knows the next one; [New]
// builds the chain from the back, so that a batch passes from the first step
// to whatever the last one sends to in the caller's goroutine, and the error
// that comes back says which of the caller's events failed.
//
//	In ──► filter ──► route ──► … ──► out
//	                    │
//	                    └──► named ports
//
// Package step has the steps that send on at once what they take; those that
// hold events (window, batch) are here.
// [Instance.Stats] tells what has become of the events of each.
//
// # What is held
//
// A window and a batch acknowledge an event when they have taken it: they hold
// it, and what a crash loses is said in their documentation. What they make of
// events is finished at one of three times: within the Send of the event that
// completes it, when its time has come, by the timer goroutine of the instance
// ([Instance.Start]), or at the end ([Instance.Finish]). Whoever finishes it waits
// until it is sent, so that what comes behind holds back what comes before. It is
// sent by neither of them, but by a goroutine that the step has while there is
// something to send: it is about the events of many, and a connection that is slow
// to take its part holds back nobody else. What nothing takes, not even err,
// is counted ([Instance.Lost]): nobody else will speak of it.
//
// # Who fails
//
// An event that a step cannot deal with (its condition is neither true nor
// false) goes to the pipeline's err port; an event whose edge has such a
// condition, to the err port of where it came from. When nothing takes it
// there, it has failed, and Send says so. The other events of the batch go on
// either way. An event that is filtered out is delivered.
//
// An event that goes several ways (to the targets of an edge, the edges at a
// port, the ports of a route in mode "all") is delivered when it is on all of
// them. The targets of one edge are in order: what fails in one is not sent to
// the next. Edges at one port, and ports of a route, do not depend on each
// other: each gets the event, whatever happens in the others.
package pipeline
