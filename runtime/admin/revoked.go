package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/runtime/admin/stream"
	"go.uber.org/zap"
)

// askAgain is how often it is asked whether a client may still have its stream.
const askAgain = time.Second

// still reports whether who has sent r might do now what needs a role.
func (g *guard) still(r *http.Request, needs Role) bool {
	who, refusal := g.gate.Identify(r)
	return refusal == nil && (&admitted{roles: rolesOf(who.Claims)}).may(needs)
}

// whileAllowed returns a context of a stream, which ends with that of the request, and
// when its token is no more, or lacks the role by now. again is the request as it came.
func (s *Server) whileAllowed(again *http.Request, who *admitted, needs Role) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(again.Context())
	go func() {
		tick := time.NewTicker(askAgain)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if !s.guard.still(again.Clone(ctx), needs) {
				s.options.Log.Info("a stream of the admin API ends: its token is no longer valid for it", zap.String("path", again.URL.Path), zap.Stringer("client", who.Addr), zap.String("token", who.token))
				cancel(stream.ErrRevoked)
				return
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}
