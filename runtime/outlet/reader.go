package outlet

import "context"

// Reader is a connection's reader, as it is known to the outlets that it sends
// to. Only its own goroutine uses it.
type Reader struct {
	Own  *Outlet // of its connection
	Turn *Turn   // that is running; nil outside of one
	// Outer is the reader in whose turn this one receives, of an answer to what that
	// one has sent; nil for most.
	Outer *Reader
	// corked says that replies of the running turn wait in the writer.
	corked bool
}

// within reports whether the reader receives inside of a turn of o's own reader, in
// its goroutine.
func (r *Reader) within(o *Outlet) bool {
	if r == nil {
		return false
	}
	for r = r.Outer; r != nil; r = r.Outer {
		if r.Own == o && r.Turn != nil {
			return true
		}
	}
	return false
}

// readsFor reports whether o's own reader waits while this one sends: it is the same, or
// this one receives inside of its turn. It works on nil, for who is no reader.
func (r *Reader) readsFor(o *Outlet) bool {
	return r != nil && r.Own == o || r.within(o)
}

// Uncork sends the replies that the reader holds back, before it does
// something that may take long. It works on nil, for who is no reader.
func (r *Reader) Uncork(ctx context.Context) {
	if r == nil {
		return
	}
	if t := r.Turn; t != nil {
		t.WriteSpread()
	}
	if r.corked {
		r.corked = false
		r.Own.uncork(ctx)
	}
}
