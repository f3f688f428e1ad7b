package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrun/flowrun/cmd/flowrun/internal/rfc6455"
)

// shards is how many histograms the connections share, so that they seldom
// wait for each other.
const shards = 16

type shard struct {
	sync.Mutex
	latency, late Histogram
}

// run is a load while it runs.
type run struct {
	o        *Options
	timeout  time.Duration
	opcode   byte
	messages texts
	answers  texts

	// Times are nanoseconds since zero.
	zero  time.Time
	start int64        // of the traffic
	from  atomic.Int64 // of what is measured; a message that was sent earlier is not

	clients   []*client
	senders   int64
	until     atomic.Int64  // when the last message was due
	stop      atomic.Bool   // nothing more is sent
	total     atomic.Int64  // messages heard, all connections together
	abandoned atomic.Bool   // nothing more is waited for
	enough    chan struct{} // closed when there is no reason to go on
	over      sync.Once

	shards [shards]shard
	pacer  sync.WaitGroup

	mu     sync.Mutex
	errors Errors
}

func (r *run) now() int64           { return int64(time.Since(r.zero)) }
func (r *run) at(t int64) time.Time { return r.zero.Add(time.Duration(t)) }

// allowed says up to which number a connection may send messages now, and
// whether there will never be more.
func (r *run) allowed(c *client) (upTo int64, final bool) {
	if r.stop.Load() {
		return 0, true
	}
	switch {
	case r.o.Rate > 0:
		now, until := r.now(), r.until.Load()
		upTo = r.due(c, min(now, until))
		final = now >= until && c.sent.Load() >= upTo
	case r.o.Mode == Broadcast:
		// The next burst leaves when the last one has arrived everywhere, so
		// that no message is lost for want of a place in a queue.
		upTo = c.sent.Load()
		if r.total.Load() == upTo*int64(len(r.clients)) {
			upTo += int64(r.o.InFlight)
		}
	default:
		upTo = c.heard.Load() + int64(r.o.InFlight)
	}
	if r.o.Count > 0 {
		quota := r.quota(c)
		return min(upTo, quota), final || c.sent.Load() == quota
	}
	return upTo, final
}

// quota is a connection's share of the messages to send.
func (r *run) quota(c *client) int64 {
	n := r.o.Count / r.senders
	if int64(c.number) < r.o.Count%r.senders {
		n++
	}
	return n
}

// The connections take turns: message k of connection c is number
// k * senders + c of all, and due that many intervals after the start.

// due is how many messages of a connection are due by now.
func (r *run) due(c *client, now int64) int64 {
	all := int64(float64(now-r.start)*r.o.Rate/1e9) + 1
	return max(0, all-int64(c.number)+r.senders-1) / r.senders
}

// sentWhen is when a message of a connection was sent or, where a rate says
// when it should have been, that time: a server that holds us up delays what
// we could not send meanwhile, too.
func (r *run) sentWhen(c *client, seq int64) int64 {
	if c.sentAt != nil {
		return c.sentAt[seq%int64(len(c.sentAt))]
	}
	return r.start + int64(float64(seq*r.senders+int64(c.number))*1e9/r.o.Rate)
}

// record counts how long messages of c took.
func (r *run) record(c *client, first, end, now int64) {
	if r.o.Mode == Receive {
		return
	}
	from := r.from.Load()
	s := &r.shards[c.number%shards]
	s.Lock()
	for k := first; k < end; k++ {
		if sent := r.sentWhen(c.source, k); sent >= from {
			s.latency.Add(time.Duration(now - sent))
		}
	}
	s.Unlock()
}

// late counts how much later than they should messages leave.
func (r *run) late(c *client, first, end, now int64) {
	from := r.from.Load()
	s := &r.shards[c.number%shards]
	s.Lock()
	for k := first; k < end; k++ {
		if due := r.sentWhen(c, k); due >= from {
			s.late.Add(time.Duration(now - due))
		}
	}
	s.Unlock()
}

// arrived is told of messages that a connection has heard.
func (r *run) arrived(c *client, n int64) {
	switch total := func() int64 { return r.total.Add(n) }; r.o.Mode {
	case Broadcast:
		if first := r.clients[0]; total() == first.sent.Load()*int64(len(r.clients)) && r.o.Rate == 0 {
			first.rouseWriter()
		}
	case Receive:
		if r.o.Count > 0 && total() >= r.o.Count {
			r.end()
		}
	default:
		if !c.inline && r.o.Rate == 0 {
			c.rouseWriter()
		}
	}
}

// rouse tells those that hear c that it will not send any more.
func (r *run) rouse(c *client) {
	if r.o.Mode != Broadcast {
		c.rouse()
		return
	}
	for _, other := range r.clients {
		if other.source == c {
			other.rouse()
		}
	}
}

// end says that there is no reason to go on.
func (r *run) end() { r.over.Do(func() { close(r.enough) }) }

// failed is told of the end of a connection.
func (r *run) failed(c *client, f *failure) {
	r.mu.Lock()
	r.errors.add(f.kind, fmt.Errorf("connection %d: %w", c.number, f.err))
	r.mu.Unlock()
	if r.o.Mode == Broadcast {
		r.end() // a message can never again arrive everywhere
	}
	r.rouse(c)
}

// pace wakes the writers when their next message is due.
func (r *run) pace() {
	sharpen()
	for n := int64(0); !r.stop.Load(); {
		due := int64(float64(r.now()-r.start)*r.o.Rate/1e9) + 1
		for i := range min(due-n, r.senders) {
			r.clients[(n+i)%r.senders].rouseWriter()
		}
		n = due
		next := r.start + int64(float64(n)*1e9/r.o.Rate)
		if wait := next - r.now(); wait > 0 {
			sleep(min(time.Duration(wait), 20*time.Millisecond))
		}
	}
}

// connect opens the connections, spread over the ramp-up, some at a time. The
// first one has to succeed: without it there is nothing to measure.
func (r *run) connect(ctx context.Context) (*Histogram, error) {
	to, err := newTarget(r.o)
	if err != nil {
		return nil, err
	}
	var times Histogram
	open := func(number int) error {
		began := time.Now()
		f, err := to.dial(ctx, number)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			if ctx.Err() == nil {
				r.errors.add(refused, fmt.Errorf("connection %d: %w", number, err))
			}
			return err
		}
		times.Add(time.Since(began))
		r.clients = append(r.clients, &client{frames: f})
		return nil
	}
	if err := open(0); err != nil {
		return nil, err
	}
	to.addr = r.clients[0].RemoteAddr().String()
	const atATime = 32
	turn := make(chan struct{}, atATime)
	began, told := time.Now(), time.Now()
	var wg sync.WaitGroup
	for number := 1; number < r.o.Connections && ctx.Err() == nil; number++ {
		due := began.Add(time.Duration(r.o.RampUp) * time.Duration(number) / time.Duration(r.o.Connections))
		if wait := time.Until(due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
		turn <- struct{}{}
		if time.Since(told) > progressEvery {
			told = time.Now()
			r.tell(Progress{Phase: "connecting", Elapsed: time.Since(began), Share: float64(number) / float64(r.o.Connections)})
		}
		wg.Go(func() {
			defer func() { <-turn }()
			_ = open(number) // it has been counted
		})
	}
	wg.Wait()
	return &times, nil
}

// prepare gives every connection its part.
func (r *run) prepare() {
	r.senders = int64(len(r.clients))
	if r.o.Mode == Broadcast {
		r.senders = 1
	}
	small := r.o.InFlight*(r.messages.longest()+rfc6455.MaxHeader) <= maxWrite
	for i, c := range r.clients {
		c.run, c.number, c.source = r, i, c
		if r.o.Mode == Broadcast {
			c.source = r.clients[0]
		}
		if r.o.Mode == Receive || c.source != c {
			c.final.Store(true)
			continue
		}
		if r.o.Rate == 0 {
			c.sentAt = make([]int64, r.o.InFlight)
		}
		c.inline = r.o.Mode == Echo && r.o.Rate == 0 && small
		if !c.inline {
			c.wake = make(chan struct{}, 1)
		}
	}
}

// enter waits for a pong on each connection: then the server reads from it,
// and has it among those that hear.
func (r *run) enter() {
	var wg sync.WaitGroup
	for _, c := range r.clients {
		wg.Go(func() {
			if err := c.enter(); err != nil {
				c.fail(fmt.Errorf("wait for a pong: %w", err))
			}
		})
	}
	wg.Wait()
}

// traffic starts it all and returns a channel that is closed when all of it
// has ended.
func (r *run) traffic() <-chan struct{} {
	var wg sync.WaitGroup
	r.start = r.now()
	for _, c := range r.clients {
		wg.Go(c.listen)
		if c.wake != nil {
			wg.Go(c.write)
		}
	}
	if r.o.Rate > 0 {
		r.pacer.Go(r.pace)
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	return done
}

// halt ends the traffic: nothing more is sent but what is due already, and the
// last answers are waited for, as long as one may take and a half.
func (r *run) halt(done <-chan struct{}) {
	r.until.Store(r.now())
	if r.o.Rate == 0 {
		r.stop.Store(true)
	}
	r.wakeAll((*client).rouse)
	late := time.NewTimer(r.timeout + r.timeout/2)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		r.abandoned.Store(true)
		r.stop.Store(true)
		r.wakeAll(func(c *client) { _ = c.SetDeadline(time.Unix(1, 0)) })
		<-done
	}
	r.stop.Store(true)
	r.pacer.Wait()
}

func (r *run) wakeAll(rouse func(*client)) {
	for _, c := range r.clients {
		c.rouseWriter()
		rouse(c)
	}
}

// unsent is how many messages were due and could not be sent.
func (r *run) unsent() (n int64) {
	for _, c := range r.clients {
		if r.o.Rate == 0 || c.wake == nil {
			continue
		}
		due := r.due(c, r.until.Load())
		if r.o.Count > 0 {
			due = min(due, r.quota(c))
		}
		n += max(0, due-c.sent.Load())
	}
	return n
}

// leave closes all connections.
func (r *run) leave() {
	var wg sync.WaitGroup
	for _, c := range r.clients {
		wg.Go(c.leave)
	}
	wg.Wait()
}
