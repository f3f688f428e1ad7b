package flow

import "sync"

// Shared belongs to a frame that goes to several connections of a connector. It
// is where their writers keep what they make of the frame, when that is the same
// for all and worth making once.
type Shared struct {
	once sync.Once
	form any
}

// Form returns what the first call has made. It may be called from any
// goroutine; nobody changes what it returns.
func (s *Shared) Form(make func() any) any {
	s.once.Do(func() { s.form = make() })
	return s.form
}
