package outlet

import (
	"context"
	"math"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/queue"
	"go.uber.org/zap"
)

// writeKept sees to it that what is in a queue that keeps events is written, by a
// goroutine that ends when there is nothing more to do. The caller holds mu.
func (o *Outlet) writeKept() {
	k := o.kept
	if k.queue == nil {
		return
	}
	k.news = true
	stopped := k.stop && k.to == o.writer && !k.unasked // by Flush, behind which nobody writes
	if stopped || k.left || o.writing || o.writer == nil || o.closed != nil || !k.reader.Begin() {
		return
	}
	if k.to != o.writer {
		k.to, k.asked, k.unasked, k.stop, k.heard, k.watched = o.writer, false, false, false, false, false
		k.since = 0
		k.questions++ // what the one before was asked is of no interest
		k.queue.Rewind()
	}
	o.writing = true
	go o.writeAllKept(o.writer)
}

// writeAllKept writes until nothing is left to do, or the connection breaks.
func (o *Outlet) writeAllKept(w flow.Writer) {
	o.mu.Lock()
	k := o.kept
	some := o.writeSomeKept
	if o.terms.Asks {
		some = o.askSomeKept
	}
	for o.writer == w && k.news {
		k.news = false
		for o.writer == w && some(w) {
		}
	}
	o.writing = false
	o.notify()
	if o.writer != w && o.writer != nil {
		o.writeKept()
	}
	closed := o.closed != nil
	o.mu.Unlock()
	if closed {
		o.endKept()
	}
}

// writeSomeKept writes what comes next, with a question behind it when none is under
// way, and reports whether there was anything. The caller holds mu, which is given up
// meanwhile.
func (o *Outlet) writeSomeKept(w flow.Writer) bool {
	k := o.kept
	ctx := context.Background() // the writer has its own limit of time
	n := 0
	if _, bytes := k.queue.Sent(); !k.stop && !k.left && bytes < keptOnTheWay && o.due() {
		var ok bool
		if n, ok = o.nextKept(w, keptWrite, math.MaxInt); !ok {
			return false
		}
		if n > 0 {
			k.sent, k.unasked = k.batch.Upto(n), o.pongs()
		}
	}
	var ask func() error
	if k.unasked && !k.asked && o.writer == w {
		k.asked, k.unasked, k.upTo = true, false, k.sent
		k.questions++
		number := k.questions
		asker, ok := w.(flow.Confirmer)
		if !ok {
			panic("outlet: a writer of a connector whose Shape says Confirms is no flow.Confirmer")
		}
		o.watch(w)
		ask = func() error { return asker.Confirm(ctx, func() { o.answered(number) }) }
	}
	if n == 0 && ask == nil {
		return false
	}
	now := clock()
	err := o.unlocked(func() (err error) {
		if n > 0 {
			err = w.Write(ctx, o.collected(n), true)
		}
		if err == nil && ask != nil {
			err = ask()
		}
		if err == nil {
			err = w.Flush(ctx)
		}
		return err
	})
	o.countKept(now, n, err)
	o.wroteKept(w, n, err)
	return err == nil
}

// nextKept reads what comes next, about maxBytes and at most maxEvents, and returns how
// many events that are. It is not ok when the queue cannot be read, which gives the
// connection up. The caller holds mu, which is given up meanwhile.
func (o *Outlet) nextKept(w flow.Writer, maxBytes, maxEvents int) (n int, ok bool) {
	k := o.kept
	if k.collector != nil {
		maxBytes = max(maxBytes, k.collector.MaxBytes)
	}
	if err := o.unlocked(func() error { return k.queue.Next(&k.batch, maxBytes, maxEvents) }); err != nil {
		o.wroteKept(w, 0, err)
		return 0, false
	}
	k.since = 0
	return k.batch.Events(), true
}

// countKept counts what has been written of a batch, that which had been before
// apart.
func (o *Outlet) countKept(now int64, n int, err error) {
	k := o.kept
	if err != nil {
		n = min(n, k.done(taken(n, err)))
	}
	if n == 0 {
		return
	}
	last := k.batch.Upto(n).Events()
	again := 0
	if first := last - uint64(n); k.known > first {
		again = int(min(k.known, last) - first)
	}
	k.known = max(k.known, last)
	o.terms.Counters.Resent.Add(uint64(again))
	frames := k.batch.Behind(again)
	o.count(frames[:len(frames)-len(k.batch.Behind(n))], now)
	if !o.pongs() {
		o.confirm(k.batch.Upto(n))
	}
}

// wroteKept gives a connection up that has not taken everything.
func (o *Outlet) wroteKept(w flow.Writer, n int, err error) {
	o.notify()
	if err == nil || o.writer != w {
		return
	}
	if n == 0 { // it is the queue that cannot be read
		if d, ok := w.(flow.Disconnecter); ok {
			d.Disconnect(err)
		}
	}
	o.giveUp(err)
}

// answered is told that the peer has answered a question.
func (o *Outlet) answered(number uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := o.kept
	if !k.asked || k.questions != number {
		return
	}
	k.heard = true
	o.confirm(k.upTo)
	if k.questions == number {
		k.asked = false
	}
	o.notify()
	o.writeKept()
}

// watch tells of a peer that answers nothing: no event would ever leave the queue. It
// is not given up, since it may only be slow. The caller holds mu.
func (o *Outlet) watch(w flow.Writer) {
	k, limit := o.kept, time.Duration(o.terms.Queue.WriteTimeout)
	if k.watched {
		return
	}
	k.watched = true
	time.AfterFunc(limit, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.writer == w && k.to == w && !k.heard {
			events, _ := k.len()
			o.terms.Log.Warn("the peer has not answered a ping, so nothing that it was sent is confirmed: if it never does, choose confirm = \"write\"",
				zap.Duration("waited", limit), zap.Int("events", events), zap.String("peer", o.origin.Peer.Addr()))
		}
	})
}

// confirm lets go what ends at m. The caller holds mu, which is given up meanwhile.
func (o *Outlet) confirm(m queue.Mark) {
	_ = o.unlocked(func() error {
		o.terms.Counters.Confirmed.Add(uint64(o.kept.queue.Confirm(m)))
		return nil
	})
}

// flushKept waits until all that is queued is confirmed, or where it is persistent, all
// that this connection was given, and no longer than it lingers: the rest is for the next
// one. The caller holds mu.
func (o *Outlet) flushKept(ctx context.Context) error {
	k := o.kept
	if k.queue == nil {
		return nil
	}
	if k.stop = k.queue.Persistent(); k.stop {
		limited, cancel := context.WithTimeout(ctx, o.terms.Keep.Linger)
		defer cancel()
		ctx = limited
	} else {
		o.haste()
	}
	for o.closed == nil && o.writer != nil && !k.left {
		left := o.waiting()
		if k.stop {
			left, _ = k.queue.Sent()
			if k.to != o.writer {
				left = 0
			}
		}
		if left == 0 && !o.writing {
			break
		}
		if err := o.wait(ctx); err != nil {
			return err
		}
	}
	return o.flushWriter(ctx)
}
