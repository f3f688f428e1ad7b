package link

import (
	"fmt"

	"github.com/flowrun/flowrun/runtime/flow"
	"go.uber.org/zap"
)

// Admit implements flow.Host's.
func (t *Table) Admit(peer flow.Peer) error {
	key, err := t.sessionKey(&flow.Origin{Connector: t.cfg.Component, Peer: peer})
	if err != nil || key == "" {
		return err
	}
	return t.sessions.Admit(key)
}

// sessionKey is empty where a connection is nobody's.
func (t *Table) sessionKey(o *flow.Origin) (string, error) {
	if t.sessions == nil {
		return "", nil
	}
	key, err := t.sessions.Key(o)
	if err != nil {
		return "", fmt.Errorf("the session key: %w", err)
	}
	return key, nil
}

// Leave implements flow.Link.
func (l *Link) Leave() {
	if key := l.session.Swap(nil); key != nil {
		l.table.sessions.Leave(*key, l.out)
	}
}

// enterSession makes a link that is being opened one of its key's.
func (l *Link) enterSession() error {
	t := l.table
	if t.sessions == nil {
		return nil
	}
	key, err := t.sessionKey(&l.origin)
	if err != nil || key == "" {
		return err
	}
	old, replaced, err := t.sessions.Enter(key, l.out)
	if err != nil {
		return err
	}
	l.session.Store(&key)
	if !replaced {
		return nil
	}
	t.cfg.Log.Info("a connection is replaced by a new one with the same session key",
		zap.String("peer", old.Origin().Peer.Addr()), zap.String("by", l.origin.Peer.Addr()))
	old.Disconnect(flow.ErrReplaced)
	return nil
}
