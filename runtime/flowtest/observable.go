package flowtest

import (
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/notice"
)

var _ notice.Observable = (*Host)(nil)

// Notices implements notice.Observable: what is published to h.Told.
func (h *Host) Notices(size int, wants func(notice.Notice) bool) notice.Hearing {
	return hearing(h.Told.Only(size, wants))
}

// Records implements notice.Observable: what is published to h.Logged.
func (h *Host) Records(size int, wants func(notice.Notice) bool) notice.Hearing {
	return hearing(h.Logged.Only(size, wants))
}

func hearing(s *feed.Subscription[notice.Notice]) notice.Hearing {
	return notice.Hearing{C: s.C, Lost: s.Lost, Close: s.Close}
}

// Scrape implements notice.Observable.
func (h *Host) Scrape() []byte { return []byte(`{"connectors":[]}`) }
