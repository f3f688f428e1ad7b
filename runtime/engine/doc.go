// Package engine runs flows. It is the one place where the parts of the
// runtime meet: it builds what a graph says out of tables of links, pipeline
// instances and listeners, keeps the connectors running, and ends them in an
// order in which nothing gets lost.
//
// # The life of an engine
//
//	New        builds everything and touches nothing outside of the process
//	Run        prepares, runs, drains; returns the exit code
//	  prepare  each connector acquires what can fail (a listener, a file),
//	           targets first; an error gives everything back and is Run's
//	  ready    Options.Ready is told the listeners
//	  run      each connector in a goroutine of its own, targets first,
//	           sources last
//	  drain    begins with the first of: the end of Run's ctx, Host.Exit,
//	           all sources ended, a connector with on_failure = "exit" that
//	           gave up
//	Stop       leaves out what is left of the drain
//
// Several flows in one engine share listeners and the end: they start
// together, and who asks for the exit ends them all.
//
// # Supervision
//
// A connector's Run is called until it returns nil. After an error, or a panic,
// the connector is given back what it had (Release), and after a wait it is
// prepared and run again, as its `reconnect` says: the wait grows from
// interval by growth_rate to max_interval at most, each wait chosen at random
// from half to one and a half times of it. max_retries attempts that fail in a
// row, and the connector has failed for good: its table is closed, so that
// senders get an error instead of waiting, and on_failure decides whether the
// process goes on without it. An attempt that came as far as Host.Open is a
// success; the count and the waits begin anew.
//
// [Engine.Health] shows at any time what each connector is doing. A required
// connector that has failed makes the process not ready.
//
// # What counts as a source
//
// A connector brings events in when its `out` is connected and it is no
// target, or when it is a flow.Feeder whose `out` is connected: then its Feed
// is the source, and Run goes on without it. When all there are have ended,
// nothing more can happen, and the engine drains: with code 0, or 1 if one of
// them failed for good. Servers and clients do not end by themselves. A flow
// without any source runs until it is told to end.
//
// # Drain
//
// What a flow's drain block says of servers and their clients (spread, code,
// reason, message) holds for its own. Delay and timeout are the process's: the
// longest that its flows ask for.
//
// A drain begins with the process being no longer ready, and for the delay with
// nothing else, so that load balancers can notice. Then new requests on the
// listeners are answered 503, and servers with a spread close their connections
// one by one, each of which is served until then, by sources and pipelines, too.
// What clients are answered after a connection's turn has come is waited for a
// second, if there are clients; what others say to it is not. Only then the rest
// begins to end.
//
// Connectors are told to end by role, by the end of the ctx of their Run:
// sources (and Feeds) first, so that nothing new comes in, then servers,
// clients, which may still wait for answers, and targets. Each role is waited
// for before the next, except that a server receives what has arrived and
// nothing more, but takes leave of its peers only when the clients have ended,
// or a second later: what its peers say to each other and what clients are
// answered may be for them.
//
// What pipelines hold (windows, batches) leaves them just before the first of
// the connectors that it can go to is told to end: the last aggregate that
// clients of a server have contributed to reaches them before the goodbye, and
// one that goes to a file has all that servers and clients still brought. Each
// instance waits for those that lead to it, and for no other. An
// instance that has done so holds nothing any more: a window closes with the
// Send that brings an event, so that what comes late is answered at once, or
// fails, but is not forgotten.
//
// Before each next role, what waits in a queue for a connection that is not
// open is waited for: a file that was read in a moment must not be lost because
// its client is still dialling.
//
// The timeout bounds all of it, from the beginning. After that, or after Stop,
// Host.Abandon ends, and with it all that is still running is told to end
// now. If that lost events, or a connector does not return even then, the
// code is 1 and the log says how many.
//
// # For a reload
//
// Every wire starts at a flow.Port, which can be connected to something else
// while events pass. Nothing that runs keeps a direct reference to what comes
// behind its port.
package engine
