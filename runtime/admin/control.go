package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/status"
	"go.uber.org/zap"
)

// reloadTimeout bounds how long a reload may be waited for: others may be at work
// before it.
const reloadTimeout = 5 * time.Minute

// reload reads the flows again. Who asked for it and has left does not end it.
func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	s.told(r, "reload")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(reloadTimeout + answerTimeout)) // as long as it takes
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), reloadTimeout)
	defer cancel()
	done, err := s.options.Reload(ctx)
	if errors.Is(err, engine.ErrNotRunning) {
		fail(w, http.StatusConflict, "not_running", err.Error())
		return
	}
	if err != nil {
		fail(w, http.StatusUnprocessableEntity, "reload_failed", err.Error())
		return
	}
	answer(w, http.StatusOK, done)
}

// Draining is the answer to who has told the process to end.
type Draining struct {
	Phase status.Phase `json:"phase"`
}

// drain begins the end. The answer is on its way before the listener closes.
func (s *Server) drain(w http.ResponseWriter, r *http.Request) {
	s.told(r, "drain")
	s.options.Drain()
	answer(w, http.StatusAccepted, Draining{status.Draining})
}

// told logs who has told the process to do something, or looks at what passes in
// it. By its name, the logger leaves out none of it.
func (s *Server) told(r *http.Request, what string, more ...zap.Field) {
	who := visitor(r.Context())
	s.options.Log.Named("admin").Info("told by the admin API", append([]zap.Field{
		zap.String("to", what), zap.Stringer("client", who.Addr), zap.String("token", who.token),
	}, more...)...)
}
