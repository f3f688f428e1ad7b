package notice

// Observable is implemented by hosts that let a connector hear what the process
// tells about itself. Connectors hear nothing of their own kind, nor of any component
// that events of theirs can reach: the delivery of news would be news, which would
// be delivered.
type Observable interface {
	// Notices begins to hear of connectors, connections and reloads, and Records of
	// the log. Up to size of those that are wanted may wait in C; wants is called by
	// whoever tells, and neither waits nor logs.
	Notices(size int, wants func(Notice) bool) Hearing
	Records(size int, wants func(Notice) bool) Hearing
	// Scrape returns the state and the counters of all connectors, as JSON.
	Scrape() []byte
}

// Hearing is a subscription to notices.
type Hearing struct {
	C     <-chan Notice // never closed
	Lost  func() uint64 // how many have found no room in C
	Close func()        // must be called
}
