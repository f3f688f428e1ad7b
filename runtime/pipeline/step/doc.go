// Package step has the steps of a pipeline that send on what they take within
// the Send that brings it, and what all steps are made of. Steps that hold
// events are in package pipeline, which has the clock for them.
//
// A step that only chooses (filter, route, dedupe, throttle, sample) is a
// [Chooser]. It does not copy events: [Dispatch] cuts the batch into runs of
// neighbours that take the same way, and the step sends each run, a part of the
// caller's slice, where it goes. So order holds on every way, nothing is
// allocated, and a stream whose events all go one way passes in one call.
// Failures in a run are counted back to the batch.
//
// A step that makes new events (map, split, state) puts them into a batch of its
// own ([Made]), which comes from a pool and is sent in parts of bounded size; it
// counts failures back to the events that they were made of. What it makes may
// share memory with the event that came, whose Send has not returned.
//
// What a step remembers by key is bounded ([Keyed]), and shared by all who send
// into it. No step holds a lock while it sends. Each counts what becomes of its
// events ([Counters]).
package step
