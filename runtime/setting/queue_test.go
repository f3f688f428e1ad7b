package setting

import "testing"

// TestKeep: what nobody wants lost is confirmed by the peer, where it can.
func TestKeep(t *testing.T) {
	for name, tt := range map[string]struct {
		edit     func(*ClientQueue)
		confirms bool
		kept     bool
		pong     bool
	}{
		"no block":                     {func(*ClientQueue) {}, true, false, false},
		"bounds":                       {func(q *ClientQueue) { q.MaxEvents = 7 }, true, true, true},
		"bounds, of bytes":             {func(q *ClientQueue) { q.MaxBytes = 7 }, true, true, true},
		"bounds, nobody can be asked":  {func(q *ClientQueue) { q.MaxEvents = 7 }, false, false, false},
		"bounds, write":                {func(q *ClientQueue) { q.MaxEvents, q.Confirm = 7, "write" }, true, false, false},
		"bounds, some may be dropped":  {func(q *ClientQueue) { q.MaxEvents, q.Overflow = 7, "drop_oldest" }, true, false, false},
		"pong":                         {func(q *ClientQueue) { q.Confirm = "pong" }, true, true, true},
		"disk":                         {func(q *ClientQueue) { q.Persistent = "d" }, true, true, true},
		"disk, write":                  {func(q *ClientQueue) { q.Persistent, q.Confirm = "d", "write" }, true, true, false},
		"disk, nobody can be asked":    {func(q *ClientQueue) { q.Persistent = "d" }, false, true, false},
		"disk, the oldest are dropped": {func(q *ClientQueue) { q.Persistent, q.Overflow = "d", "drop_oldest" }, true, true, true},
	} {
		q := DefaultClientQueue()
		tt.edit(&q)
		k := q.Keep(tt.confirms)
		if (k != nil) != tt.kept || k != nil && k.Pong != tt.pong {
			t.Errorf("%s: %+v", name, k)
		}
	}
}
