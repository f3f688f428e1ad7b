package stream

import (
	"fmt"
	"net/http"

	"go.uber.org/zap/zapcore"

	"github.com/flowrun/flowrun/runtime/access"
	"github.com/flowrun/flowrun/runtime/notice"
)

// records is how the log is told.
type records struct {
	buf []byte
}

func (l *records) tell(n notice.Notice, add func([]byte)) {
	l.buf = notice.AppendRecord(l.buf[:0], n)
	add(l.buf)
}

func (l *records) lost(n uint64, add func([]byte)) {
	l.tell(notice.RecordsLost(n), add)
}

// connected is what a stream of the log begins with.
var connected = []byte(`{"type":"connected"}`)

// Logs serves the log as Server-Sent Events: what is logged, from ?level= on.
func (s *Server) Logs(w http.ResponseWriter, r *http.Request) *access.Refusal {
	lowest := zapcore.DebugLevel
	if name := r.URL.Query().Get("level"); name != "" {
		if err := lowest.UnmarshalText([]byte(name)); err != nil {
			return bad("unknown_level", fmt.Sprintf("there is no log level %q: the levels are debug, info, warn, error", name))
		}
	}
	leave, refusal := s.enter(&s.subscribers, s.Options.Logs.MaxSubscribers)
	if refusal != nil {
		return refusal
	}
	defer leave()
	from := s.Records.Only(recordQueue, func(n notice.Notice) bool { return notice.Level(n) >= lowest })
	defer from.Close()
	return s.answer(w, r, from, &records{}, connected)
}
