package link

import (
	"context"
	"time"
)

// passInterval is how often a wait looks whether turns have ended.
const passInterval = time.Millisecond

// Pass waits until each turn that is running now has ended: nothing is sent any
// more then to what the table's ports led to before they were connected to
// something else. A turn that begins meanwhile is not waited for. The error is
// ctx's.
func (t *Table) Pass(ctx context.Context) error {
	type running struct {
		link *Link
		turn uint32
	}
	var all []running
	t.mu.RLock()
	for _, l := range t.links {
		if turn := l.turns.Load(); turn%2 == 1 {
			all = append(all, running{l, turn})
		}
	}
	t.mu.RUnlock()
	tick := time.NewTicker(passInterval)
	defer tick.Stop()
	for _, r := range all {
		for r.link.turns.Load() == r.turn {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}
