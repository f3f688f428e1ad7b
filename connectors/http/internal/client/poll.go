package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/flowrun/flowrun/connectors/http/internal/call"
	"github.com/flowrun/flowrun/connectors/http/internal/wrote"
	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// poller is an http_client that asks by itself. A session, which is a Run and a link,
// begins with the first answer and ends with the first request that fails; each answer
// has a link of its own.
type poller struct {
	*client
	seen http.Header // the conditions under which there is something new
}

// Run implements flow.Connector.
func (p *poller) Run(ctx context.Context, host flow.Host) (err error) {
	p.begin(host)
	defer p.caller.Client.CloseIdleConnections()
	var link flow.Link
	defer func() {
		if link != nil {
			link.Close(context.Background(), &flow.Ended{Err: err, Cause: cause(err)})
		}
	}()
	for {
		next := time.NewTimer(time.Duration(p.config.Poll.Interval))
		var answer call.Answer
		answer, err = p.get(ctx)
		if err == nil && link == nil {
			link, err = host.Open(p.self(), nil)
		}
		if err == nil && answer.Status != http.StatusNotModified {
			err = p.deliver(ctx, &answer)
		}
		answer.Release()
		if err == nil {
			select {
			case <-next.C:
			case <-ctx.Done():
			}
		}
		next.Stop()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
	}
}

func cause(err error) flow.Cause {
	if err == nil {
		return flow.EndedDrain
	}
	return flow.EndedLost
}

// get asks once, whether there is something new. A server that is busy is let alone for
// as long as it says.
func (p *poller) get(ctx context.Context) (call.Answer, error) {
	u, err := p.target.URL(nil, nil)
	if err != nil {
		return call.Answer{}, err
	}
	q := &call.Request{Method: p.config.method(), URL: u, Host: p.hostField, Header: p.fields()}
	for name, values := range p.seen {
		q.Header[name] = values
	}
	if err := p.config.Auth.AddTo(q.Header, p.config.URL.User); err != nil {
		return call.Answer{}, err
	}
	answer, err := p.caller.Once(ctx, q)
	failed := (*call.Failed)(nil)
	if errors.As(err, &failed) && failed.Status == http.StatusNotModified {
		return answer, nil
	}
	if failed != nil && failed.After > 0 {
		wait := time.NewTimer(min(failed.After, time.Duration(p.config.Retry.MaxAfter)))
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
	}
	return answer, err
}

// deliver hands an answer over. Only when the flow has taken it, the server may say the
// next time that nothing is new. An error is that it could not even be handed over.
func (p *poller) deliver(ctx context.Context, a *call.Answer) error {
	p.seen = nil
	link, err := p.host.OpenFor(&flow.Frame{}, p.peer(a)) // nobody has asked
	if err != nil {
		return err
	}
	frames := [1]flow.Frame{{Data: a.Body, Empty: len(a.Body) == 0, Meta: said(a, wrote.Wrote{})}}
	ctx = context.WithoutCancel(ctx)
	err = errors.Join(link.Receive(ctx, frames[:]), link.Finish(ctx))
	link.Close(ctx, nil)
	if err != nil {
		p.host.Log().Warn("an answer was not delivered, it is asked for again", zap.Error(err))
		return nil
	}
	p.seen = http.Header{}
	if etag := a.Header.Get("Etag"); etag != "" {
		p.seen["If-None-Match"] = []string{etag}
	}
	if at := a.Header.Get("Last-Modified"); at != "" {
		p.seen["If-Modified-Since"] = []string{at}
	}
	return nil
}
