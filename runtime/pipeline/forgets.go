package pipeline

// Forgets implements flow.Forgetter: the result of a window has no meta, and
// answers whom origins says.
func (c *Window) Forgets() (meta, origins bool) { return true, c.Origins == "none" }

// Forgets implements flow.Forgetter: a batch has no meta, and answers all that
// contributed.
func (b *Batch) Forgets() (meta, origins bool) { return true, false }
