package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"go.uber.org/zap"
)

// handler serves all routes, and answers what is none.
func (s *Server) handler() http.Handler {
	byPath := map[string][]*route{}
	for i := range routes {
		byPath[routes[i].path] = append(byPath[routes[i].path], &routes[i])
	}
	mux := http.NewServeMux()
	for pattern, to := range byPath {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.dispatch(w, r, to) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.dispatch(w, r, nil) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Vary", "Origin")
		if at := r.URL.EscapedPath(); at == "" || at != path.Clean(at) { // mux would redirect
			s.dispatch(w, r, nil)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// dispatch looks at who asks before it tells what there is. to are the routes of
// the path.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, to []*route) {
	var again *http.Request // before its token is taken out
	if len(to) > 0 && to[0].streams && s.guard.keyed {
		again = r.Clone(r.Context())
	}
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	who, refusal := s.guard.admit(r, preflight || len(to) > 0 && to[0].needs == Anybody)
	if refusal != nil {
		s.options.Log.Debug("a request to the admin listener was refused", append(refusal.Fields(), zap.String("reason", refusal.Reason))...)
		refuse(w, refusal)
		return
	}
	defer who.Leave()
	s.crowd.serve(r.Context())
	s.guard.share(w.Header(), r)
	if preflight {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	at := slices.IndexFunc(to, func(o *route) bool { return slices.Contains(o.methods(), r.Method) })
	switch {
	case len(to) == 0:
		fail(w, http.StatusNotFound, "not_found", "there is nothing at this path")
	case at < 0:
		all := methodsOf(to)
		w.Header().Set("Allow", strings.Join(all, ", "))
		fail(w, http.StatusMethodNotAllowed, "method_not_allowed", "use "+strings.Join(all, " or "))
	case !who.may(to[at].needs):
		s.forbid(w, &who, to[at].needs)
	default:
		if to[at].streams && r.ContentLength != 0 {
			// While a body has not been read, nobody hears that the client has gone.
			w.Header().Set("Connection", "close")
			fail(w, http.StatusBadRequest, "body_not_wanted", "ask for a stream without a body")
			return
		}
		looks := to[at].method == http.MethodGet
		if looks && r.ContentLength != 0 {
			w.Header().Set("Connection", "close") // who looks needs no body, and is not waited for
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if !looks && to[at].takes == nil && !read(w, r, func(body io.Reader) error { _, err := io.Copy(io.Discard, body); return err }) {
			return
		}
		ctx := r.Context()
		if to[at].streams {
			who.Leave()
			if again != nil {
				allowed, stop := s.whileAllowed(again, &who, to[at].needs)
				defer stop()
				ctx = allowed
			}
		}
		to[at].serve(s, w, r.WithContext(context.WithValue(ctx, visitorKey{}, who)))
	}
}

func (r *route) methods() []string {
	if r.method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{r.method}
}

func methodsOf(to []*route) (all []string) {
	for _, r := range to {
		all = append(all, r.methods()...)
	}
	return all
}

// forbid answers who has not the role that is needed.
func (s *Server) forbid(w http.ResponseWriter, who *admitted, needs Role) {
	if !s.guard.keyed {
		answer(w, http.StatusForbidden, Error{
			"read_only", "without tokens the API is to look at: start flowrun with --admin-tokens, and show a token with the role " + string(needs), needs,
		})
		return
	}
	has := "none"
	if len(who.roles) > 0 {
		has = spell(who.roles)
	}
	answer(w, http.StatusForbidden, Error{"role_missing", "this needs the role " + string(needs) + "; the token has " + has, needs})
}

// decode reads the body into v, or answers what is wrong with it.
func decode(w http.ResponseWriter, r *http.Request, v any) bool {
	return read(w, r, func(body io.Reader) error {
		d := json.NewDecoder(body)
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			return err
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return errors.Join(errors.New("there is something behind it"), err)
		}
		return nil
	})
}

// read takes in the body, and answers one that is too long, does not come, or that
// take, which reads it, does not like.
func read(w http.ResponseWriter, r *http.Request, take func(body io.Reader) error) bool {
	body := &noted{Reader: r.Body}
	err := take(body)
	if err == nil {
		return true
	}
	w.Header().Set("Connection", "close")
	long := (*http.MaxBytesError)(nil)
	switch {
	case errors.As(err, &long):
		fail(w, http.StatusRequestEntityTooLarge, "body_too_large", "the body of a request has at most 64 KiB")
	case body.err != nil && !errors.Is(body.err, io.EOF):
		fail(w, http.StatusBadRequest, "body_incomplete", "the body of the request has not come")
	default:
		fail(w, http.StatusBadRequest, "body_invalid", "the body is not the JSON that is wanted here: "+strings.TrimPrefix(err.Error(), "json: "))
	}
	return false
}

// noted remembers why there is no more to read.
type noted struct {
	io.Reader
	err error
}

func (n *noted) Read(p []byte) (k int, err error) {
	k, err = n.Reader.Read(p)
	n.err = err
	return k, err
}
