// Package queue keeps events for a connection until its peer has confirmed them: in
// memory, or on the disk, where they outlive the process.
//
// A [Queue] has one reader at a time. Next gives what comes next; Confirm lets go what
// has arrived; Rewind makes Next begin anew, when a connection was lost, at the oldest
// event that nobody has confirmed. So every event arrives at least once, and in the
// order in which it was added.
//
// # On the disk
//
// A persistent queue is a log in a directory of its own: segments, which are written
// at the end of the newest one, and removed whole when all that is in them is
// confirmed. Each record has a checksum. Where the reader is, is noted in the log
// itself.
//
// Add puts events into a buffer; Wait returns when they are on the disk (fdatasync).
// While one write is on its way to the disk, everybody else adds to the next one:
// however many wait, the disk is waited for once or twice (a group commit). nil means
// that the loss of the process, or of the machine, does not lose the events.
//
// What is cut short at the end of the newest segment was never acknowledged: it is
// removed when the queue is opened. What is damaged elsewhere is skipped, up to the
// next whole record. Both is told in the log. A write that fails (a full disk) is
// taken back, its events are refused, and the next ones are tried.
//
// The log is ours, since no library fits that is kept by somebody: tidwall/wal
// has no checksums, and does not open a log whose end was cut short; bbolt, which has,
// for its roots alone, panics when another page is damaged, waits for the disk twice
// per commit, and never makes its file smaller; the logs of raft and of databases come with
// these, and end at the first damaged record.
//
// # Bounds
//
// The bound of bytes is that of the disk: of what is not confirmed, with what belongs
// to records. The files may be larger by one segment (an eighth of the bound, 16 MiB
// at most), of which the beginning is confirmed.
package queue
