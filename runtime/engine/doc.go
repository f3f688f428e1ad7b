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
// [Engine.Health] shows at any time what each connector is doing. The process is
// ready while it runs and every required connector is up: open, or done with its
// work.
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
// answered may be for them. That it has received what has arrived, a server says
// by connection (flow.Link's Settle), and that no other will follow, once
// (flow.Host's Shut): both are waited for before clients end, so that none is
// read whose events they would not take any more. Who is accepted later is
// turned away unread, and is told.
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
// its client is still dialling. What waits on the disk is safe, so that somebody who wants
// the end does not wait for it, or for a moment only (setting.Keep.Linger); when nobody
// has asked for the end, it is waited for while somebody is there who takes it.
//
// The timeout bounds all of it, from the beginning. After that, or after Stop,
// Host.Abandon ends, and with it all that is still running is told to end
// now. If that lost events, or a connector does not return even then, the
// code is 1 and the log says how many.
//
// # Reload
//
// [Engine.Reload] makes the engine run other versions of its flows, flows more or
// flows less. It goes in this order:
//
//	plan     graph.Diff tells by names and fingerprints what stays; all else is
//	         built beside what runs
//	prepare  what is new acquires what can fail, as at the start. Addresses and
//	         paths are counted as free whose connectors leave (listen.Change)
//	commit   listeners change hands, new ports are connected, new connectors run,
//	         and the ports of what stays are connected anew
//	pass     what was on its way by the old ports arrives
//	dismiss  what was left out ends, role by role, as in a drain
//
// Until commit nothing has changed, and any error is Reload's. From then on
// nothing can fail. Reload returns after commit; the rest goes on beside what comes,
// the next reload included.
//
// What stays is the very same unit, or instance, with its connections, windows
// and queues, whatever it is wired to now. Every wire starts at a flow.Port, which
// can be connected to something else while events pass, and nothing that runs
// keeps a direct reference to what comes behind its port.
//
// Taps ([Engine.Tap]) are put in at commit, too: who looks on at a place goes on
// to do so as long as there is one of that name.
//
// A sender may have read an old port and be about to send. Before anything is
// ended, each link, and each step that sends what it held, must have been seen
// outside of a turn, or in another one, since the ports were swapped (link.Table.
// Pass): that costs two stores per turn and no lock. Who stays inside, since what
// leaves takes no event, is waited for as long as turnTimeout, and answered when
// that has ended. What an earlier reload has left out may send as well until it has ended,
// so clients and targets end after that.
//
// What changes is replaced, not altered: clients of a changed server are told to
// come back (Drain.Restart), what a changed client has queued is written first, as
// long as Drain.Timeout, by the one who took it; what cannot be written by then is
// counted as lost. A file that is emptied at the start is emptied when its
// connector starts anew. The windows of an instance that leaves are flushed to
// where they led. Connections of the unit that leaves are those of its successor
// as far as answers are concerned: they are written while they are open, and gone
// afterwards. Connection ids go on counting.
//
// A connector that has failed for good counts as changed: a reload tries it again.
// One that has ended stays so, and one that waits for its next attempt goes on
// waiting. When the sources that had not ended are no more, all sources have ended,
// and the engine drains. A reload ends a flow that is not among its files in the
// same way as a connector; but one of which nothing is left is refused, since that
// is what a file looks like that is just being written. The listener of an address that changes hands keeps its
// socket with its options and its timeout; TLS settings change with the next
// connection.
//
// A reload that comes before the flows run waits until they do; when a drain has
// begun, it is refused. One that is at work when the end begins is given up, unless it has come to commit;
// what reloads have told to end is waited for before the drain goes on.
package engine
