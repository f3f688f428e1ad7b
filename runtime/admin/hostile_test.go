package admin

import (
	"bufio"
	"bytes"
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/flows/source"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/feed"
	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/graph"
	"github.com/flowrun/flowrun/runtime/link"
	"github.com/flowrun/flowrun/runtime/notice"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/status"
)

// FuzzRoles shows whatever those write who have a token that it makes nothing break,
// and gives them nothing that is for another role.
func FuzzRoles(f *testing.F) {
	for _, request := range []string{
		"GET /api/v1/events?types=a,,b&connector=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/v1/connectors/edge/events?types=peer.joined HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n",
		"GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
		"GET /api/v1/logs/stream?level=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/v1/tap/flow/connect.echo?sample=1e-9&rate=9&limit=1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/v1/connectors/edge?flow=flow HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/v1/connections?sort=pending&limit=1&offset=9223372036854775807&host=::1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /api/v1/connections/n%2Fflow%2Fedge%2F1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /api/v1/connections/n%2Fflow%2Fedge%2F1/send HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{\"base64\":\"AA==\"}",
		"POST /api/v1/connections/1/close HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n{\"code\":99999}",
		"GET /api/v1/flows/flow/graph?format=svg HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text;version=1.0.0\r\nAccept-Encoding: gzip\r\n\r\n",
		"PATCH /api/v1/flows/flow HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n{\"status\":\"pause\"}",
		"PUT /api/v1/loglevel HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n{\"level\":\"debug\"}",
		"POST /api/v1/connectors/edge/pause HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
	} {
		for role := range len(allRoles) {
			f.Add(role, []byte(request))
		}
	}
	var d told
	o := d.options()
	o.Settings = flowfile.DefaultAdmin()
	o.Settings.Address = "127.0.0.1:0"
	o.Settings.Hashes = map[setting.Secret]flow.Value{}
	tokens := map[Role]string{}
	for _, role := range allRoles {
		tokens[role] = "the token of " + string(role)
		o.Settings.Hashes[setting.SecretOf(digest(tokens[role]))] = flow.MapOf(flow.ObjectOf(flow.Field{Key: "roles", Value: flow.TextOf(string(role))}))
	}
	level := zap.NewAtomicLevel()
	o.Level, o.Nearest = &level, source.Nearest
	o.Notices, o.Records = new(feed.Feed[notice.Notice]), new(feed.Feed[notice.Notice])
	o.Health = func() status.Health {
		return status.Health{Phase: status.Running, Ready: true, Connectors: []status.Connector{{Flow: "flow", Type: "ws_server", Name: "edge", State: status.Open}}}
	}
	o.Flows = func() []status.Flow {
		return []status.Flow{{Name: "flow", Path: "flow.hcl", Graph: graph.New(&flowfile.File{Name: "flow"})}}
	}
	edge := &flow.Component{Boot: "n", Flow: "flow", Kind: "connector", Type: "ws_server", Name: "edge"}
	o.Connections = func() iter.Seq[link.Info] {
		return func(yield func(link.Info) bool) {
			for seq := range uint64(3) {
				if !yield(link.Info{Origin: &flow.Origin{Connector: edge, Seq: seq, Peer: flow.Peer{Host: "::1"}}}) {
					return
				}
			}
		}
	}
	o.Places = func() []engine.NamedPlace { return []engine.NamedPlace{{Flow: "flow", Place: "connect.echo"}} }
	o.Tap = func(engine.NamedPlace, engine.Tap) (func(), error) { return func() {}, nil }
	s, err := New(o)
	if err != nil {
		f.Fatal(err)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel() // streams end as soon as they begin
	f.Fuzz(func(t *testing.T, which int, text []byte) {
		role := allRoles[uint(which)%uint(len(allRoles))]
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			return
		}
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Authorization", tokens[role])
		w := httptest.NewRecorder()
		before, levelBefore := d.reloads.Load()+d.drains.Load()+d.pauses.Load(), level.Level()
		s.http.Handler.ServeHTTP(w, r.WithContext(over))
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s %s: %s", r.Method, r.URL, w.Body)
		}
		changed := d.reloads.Load()+d.drains.Load()+d.pauses.Load() != before || level.Level() != levelBefore
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		switch {
		case changed && role != Control:
			t.Errorf("%s %s: the role %s changes something", r.Method, r.URL, role)
		case w.Code < http.StatusMultipleChoices && !probe && w.Code != http.StatusNoContent && !isFor(role, r):
			t.Errorf("%s %s: the role %s is answered %d", r.Method, r.URL, role, w.Code)
		}
		for _, token := range tokens {
			if strings.Contains(w.Body.String(), token) {
				t.Error("it tells a token")
			}
		}
	})
}

// isFor says what a role may get an answer to.
func isFor(role Role, r *http.Request) bool {
	looks := r.Method == http.MethodGet || r.Method == http.MethodHead
	taps := strings.HasPrefix(r.URL.Path, "/api/v1/tap/")
	switch role {
	case Read:
		return looks && !taps
	case Tap:
		return looks && taps
	}
	return !looks
}
