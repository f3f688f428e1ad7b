package admin

import (
	"cmp"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/link"
	"go.uber.org/zap"
)

const (
	usualPage   = 100 // connections
	longestPage = 1000
)

// Connections is a page of those that are open.
type Connections struct {
	Connections []Connection `json:"connections"`
	Total       int          `json:"total"`          // that fit the question
	Next        int          `json:"next,omitempty"` // the offset of the next page, if there is one
}

// Connection is one that is open. Of what its client has sent for a handshake, and of
// session keys, nothing is told: there may be secrets in it.
type Connection struct {
	ID        string    `json:"id"`
	Flow      string    `json:"flow"`
	Connector string    `json:"connector"`
	Type      string    `json:"type"`
	Host      string    `json:"host,omitempty"` // of the other end
	Port      int       `json:"port,omitempty"`
	TLS       bool      `json:"tls"`
	Identity  string    `json:"identity,omitempty"` // sub, of what its client has shown
	Topics    int       `json:"topics"`             // it has subscribed to
	Opened    time.Time `json:"opened"`
	Active    time.Time `json:"active"` // when something last came or left
	EventsIn  uint64    `json:"events_in"`
	EventsOut uint64    `json:"events_out"`
	BytesIn   uint64    `json:"bytes_in"`
	BytesOut  uint64    `json:"bytes_out"`
	// Pending are messages that wait to be written.
	Pending      int `json:"pending"`
	PendingBytes int `json:"pending_bytes"`
}

// Message is sent to a connection as it is, past codec and processors.
type Message struct {
	Text   *string `json:"text,omitempty"`   // a text message,
	Base64 *string `json:"base64,omitempty"` // or a binary one
}

// Closing says how a connection is ended.
type Closing struct {
	Code   int    `json:"code,omitempty"` // 1000 when not given
	Reason string `json:"reason,omitempty"`
}

// Done is the answer to what has been done to a connection.
type Done struct {
	ID string `json:"id"`
}

// orders are how connections can be sorted, the greatest first.
var orders = map[string]func(a, b *link.Info) int{
	"pending":   func(a, b *link.Info) int { return cmp.Compare(b.WaitingBytes, a.WaitingBytes) },
	"bytes_in":  func(a, b *link.Info) int { return cmp.Compare(b.BytesIn, a.BytesIn) },
	"bytes_out": func(a, b *link.Info) int { return cmp.Compare(b.BytesOut, a.BytesOut) },
	"active":    func(a, b *link.Info) int { return b.Active.Compare(a.Active) },
	"opened":    func(a, b *link.Info) int { return b.Opened.Compare(a.Opened) },
}

var connectionParameters = []parameter{
	{"flow", "of this flow alone"},
	{"connector", "of this connector alone"},
	{"host", "whose other end has this address"},
	{"identity", "whose client has shown to be this one"},
	{"sort", "pending (bytes that wait, when not given), bytes_in, bytes_out, active or opened: the greatest, or the last, first"},
	{"limit", "how many at most: 1 to 1000, 100 when not given"},
	{"offset", "how many to leave out"},
}

// listConnections tells a page of the connections that fit.
func (s *Server) listConnections(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	order := q.Get("sort")
	if order == "" {
		order = "pending"
	}
	by, ok := orders[order]
	if !ok {
		fail(w, http.StatusBadRequest, "unknown_order", "connections cannot be sorted by "+quoted(order)+": sort is pending, bytes_in, bytes_out, active or opened")
		return
	}
	limit, ok := number(w, q.Get("limit"), "limit", usualPage, 1, longestPage)
	if !ok {
		return
	}
	offset, ok := number(w, q.Get("offset"), "offset", 0, 0, 1<<30)
	if !ok {
		return
	}
	var all []link.Info
	for i := range s.options.Connections() {
		c := i.Origin.Connector
		if fits(q.Get("flow"), c.Flow) && fits(q.Get("connector"), c.Name) && fits(q.Get("host"), i.Origin.Peer.Host) &&
			fits(q.Get("identity"), identity(i.Origin)) {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b link.Info) int {
		return cmp.Or(by(&a, &b), cmp.Compare(a.Origin.Connector.Name, b.Origin.Connector.Name), cmp.Compare(a.Origin.Seq, b.Origin.Seq))
	})
	page := Connections{Connections: []Connection{}, Total: len(all)}
	from, to := min(offset, len(all)), min(offset+limit, len(all))
	if to < len(all) {
		page.Next = to
	}
	for _, i := range all[from:to] {
		page.Connections = append(page.Connections, connectionOf(i))
	}
	answer(w, http.StatusOK, page)
}

func fits(wanted, is string) bool { return wanted == "" || wanted == is }

// identity is whom the client of a connection has shown to be.
func identity(o *flow.Origin) string {
	sub, _ := o.Peer.Claims.Get("sub")
	return sub.Text()
}

// number reads a number of the query, or answers what is wrong with it.
func number(w http.ResponseWriter, text, name string, usual, least, most int) (n int, ok bool) {
	if text == "" {
		return usual, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		fail(w, http.StatusBadRequest, "number_invalid", name+" is a number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most)+", not "+quoted(text))
		return 0, false
	}
	return n, true
}

func connectionOf(i link.Info) Connection {
	o := i.Origin
	return Connection{
		ID: o.ID(), Flow: o.Connector.Flow, Connector: o.Connector.Name, Type: o.Connector.Type,
		Host: o.Peer.Host, Port: o.Peer.Port, TLS: o.Peer.TLS, Identity: identity(o), Topics: len(i.Topics),
		Opened: i.Opened, Active: i.Active, EventsIn: i.EventsIn, EventsOut: i.EventsOut, BytesIn: i.BytesIn, BytesOut: i.BytesOut,
		Pending: i.Waiting, PendingBytes: i.WaitingBytes,
	}
}

// connection finds the one that a request names by its path, or answers why there is
// none.
func (s *Server) connection(w http.ResponseWriter, r *http.Request) (l *link.Link, ok bool) {
	id := r.PathValue("id")
	switch l, err := s.options.Connection(id); {
	case errors.Is(err, flow.ErrGone):
		fail(w, http.StatusGone, "connection_gone", "the connection "+quoted(id)+" is no longer open")
	case err != nil:
		fail(w, http.StatusNotFound, "unknown_connection", "there is no connection "+quoted(id)+": ids are as /api/v1/connections tells them, with %2F for each slash in a path")
	default:
		return l, true
	}
	return nil, false
}

func (s *Server) oneConnection(w http.ResponseWriter, r *http.Request) {
	if l, ok := s.connection(w, r); ok {
		answer(w, http.StatusOK, connectionOf(l.Info()))
	}
}

// sendTo sends a message to one connection.
func (s *Server) sendTo(w http.ResponseWriter, r *http.Request) {
	var m Message
	if !decode(w, r, &m) {
		return
	}
	var f flow.Frame
	switch {
	case (m.Text == nil) == (m.Base64 == nil):
		fail(w, http.StatusUnprocessableEntity, "message_invalid", "write either text or base64")
		return
	case m.Text != nil:
		f.Data = []byte(*m.Text)
	default:
		data, err := base64.StdEncoding.DecodeString(*m.Base64)
		if err != nil {
			fail(w, http.StatusUnprocessableEntity, "message_invalid", "base64 is not in base64")
			return
		}
		f = flow.Frame{Data: data, Binary: true}
	}
	l, ok := s.connection(w, r)
	if !ok {
		return
	}
	s.told(r, "send to a connection", zap.String("connection", l.ID()), zap.Int("bytes", len(f.Data)))
	switch err := l.Put(r.Context(), f); {
	case errors.Is(err, flow.ErrGone), errors.Is(err, flow.ErrClosed):
		fail(w, http.StatusGone, "connection_gone", err.Error())
	case err != nil:
		fail(w, http.StatusConflict, "not_sent", err.Error())
	default:
		answer(w, http.StatusAccepted, Done{l.ID()})
	}
}

// closeOne ends one connection.
func (s *Server) closeOne(w http.ResponseWriter, r *http.Request) {
	c := Closing{Code: 1000}
	if !decode(w, r, &c) {
		return
	}
	l, ok := s.connection(w, r)
	if !ok {
		return
	}
	s.told(r, "close a connection", zap.String("connection", l.ID()), zap.Int("code", c.Code), zap.String("reason", shortened(c.Reason)))
	if err := l.Dismiss(c.Code, c.Reason); err != nil {
		fail(w, http.StatusUnprocessableEntity, "not_closed", err.Error())
		return
	}
	answer(w, http.StatusAccepted, Done{l.ID()})
}

// shortened is a text as it is logged.
func shortened(text string) string {
	const most = 200
	for i := range text {
		if i > most {
			return text[:i] + "…"
		}
	}
	if !utf8.ValidString(text) {
		return strings.ToValidUTF8(text, "\ufffd")
	}
	return text
}
