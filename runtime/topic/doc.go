// Package topic finds the subscribers of a topic, and keeps what was said about
// it lately. It is data structures only: it knows no connections, starts no
// goroutine and reads no clock.
//
// A [Board] is one connector's. Its subscribers join with patterns; what is
// published bears topics. How the two are compared is the board's [Match], and
// each has an index of its own, so that what a lookup costs depends on who is
// found, not on who is there:
//
//	exact  a map from topic to subscribers
//	glob   a map for each shape of pattern (how long its text before the first and
//	       behind the last wildcard is), keyed by these texts
//	cidr   a radix tree of prefixes for each family of addresses: those that
//	       contain what is published are on the way down to it, those that it
//	       contains are below it
//
// # History
//
// A board may keep the last messages of each topic, for those who come later. It
// is bounded four times: messages of a topic, their age, topics, and bytes in
// all. Over a limit the oldest goes.
//
// Who joins gets what is kept and then what is published, without a gap, a
// repetition or a change of order, although replaying may take long and nobody
// else waits for it: [Board.Join] hands out what the subscriber has not had yet,
// again and again, and takes it in when there is nothing.
package topic
