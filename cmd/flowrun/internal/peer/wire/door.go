package wire

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// Door accepts the connections of a listening peer. The first go to the
// instances in their order, one each; those that follow to whoever accepts
// once more.
type Door struct {
	net.Listener
	first []chan net.Conn
	more  chan net.Conn
	ended chan struct{}
	once  sync.Once
	done  chan struct{}
	came  atomic.Int64
}

// NewDoor starts accepting from l.
func NewDoor(l net.Listener, instances int) *Door {
	d := &Door{Listener: l, more: make(chan net.Conn), ended: make(chan struct{}), done: make(chan struct{})}
	for range instances {
		d.first = append(d.first, make(chan net.Conn, 1))
	}
	go d.serve()
	return d
}

// Address is where it listens; a nil Door does not.
func (d *Door) Address() string {
	if d == nil {
		return ""
	}
	return d.Addr().String()
}

func (d *Door) serve() {
	defer close(d.done)
	for {
		nc, err := d.Accept()
		if err != nil {
			return
		}
		i := int(d.came.Add(1)) - 1
		if i < len(d.first) {
			d.first[i] <- nc
			continue
		}
		select {
		case d.more <- nc:
		case <-d.ended:
			_ = nc.Close()
		}
	}
}

// Close ends the listening; nobody accepts any more.
func (d *Door) Close() {
	d.once.Do(func() { close(d.ended) })
	_ = d.Listener.Close()
	<-d.done
	for _, c := range d.first {
		select {
		case nc := <-c:
			_ = nc.Close()
		default:
		}
	}
}

// Next returns the next connection for an instance: its own first one, or one of
// those that come after the first ones of all. It returns the cause when ctx
// ends.
func (d *Door) Next(ctx context.Context, instance int, first bool) (net.Conn, error) {
	from := d.more
	if first {
		from = d.first[instance]
	}
	select {
	case nc := <-from:
		return nc, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
