package tlsfiles

import (
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// Keeper keeps the TLS settings of one listener as its files say: a renewed
// certificate needs no restart. They are looked at with each handshake, which costs a
// thousandth of it, and read again when they have changed. Files that do not fit
// together (one of two is written yet) leave the old settings in use. Its methods may be called from any
// goroutine.
type Keeper struct {
	from *setting.TLSServer
	alpn []string
	log  *zap.Logger
	// server is what connections begin with: it keeps the keys of session tickets,
	// and all else is decided when the client has said what it wants.
	server *tls.Config

	mu     sync.Mutex
	config *tls.Config
	stamp  string // of the files that config was read from
	told   string // of the files that a warning was about
}

// Keep reads the files. An error is a *setting.Error that names the argument below
// the block ("cert"). What becomes of the files later goes to log. protocols are what
// clients may choose from (ALPN); none leaves it to them.
func Keep(from *setting.TLSServer, log *zap.Logger, protocols ...string) (*Keeper, error) {
	c := &Keeper{from: from, alpn: protocols, log: log, stamp: stampOf(from)}
	var err error
	if c.config, err = c.load(); err != nil {
		return nil, err
	}
	c.server = c.config.Clone()
	c.server.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current(), nil }
	return c, nil
}

// Config is what connections begin with. It is not changed by anyone.
func (c *Keeper) Config() *tls.Config { return c.server }

// From is the block that the settings are of.
func (c *Keeper) From() *setting.TLSServer { return c.from }

func (c *Keeper) load() (*tls.Config, error) {
	config, err := Server(c.from)
	if err != nil {
		return nil, err
	}
	config.NextProtos = c.alpn
	return config, nil
}

// current is the configuration for one more connection.
func (c *Keeper) current() *tls.Config {
	now := stampOf(c.from)
	c.mu.Lock()
	defer c.mu.Unlock()
	if now == c.stamp {
		return c.config
	}
	config, err := c.load()
	switch {
	case err == nil:
		c.config, c.stamp = config, now
		c.log.Info("the TLS files have changed and are in use", zap.String("cert", string(c.from.Cert)))
	case now != c.told:
		c.told = now
		c.log.Warn("the TLS files have changed and cannot be used, the old ones stay in use", zap.Error(err))
	}
	return c.config
}

// pairKeeper keeps the certificate of a client as its files say.
type pairKeeper struct {
	from *setting.TLSClient

	mu    sync.Mutex
	pair  *tls.Certificate
	stamp string // of the files that it was read from
}

func (k *pairKeeper) current() *tls.Certificate {
	now := stamp(k.from.Cert, k.from.Key)
	k.mu.Lock()
	defer k.mu.Unlock()
	if now == k.stamp {
		return k.pair
	}
	if pair, err := loadPair(k.from.Cert, k.from.Key); err == nil { // else one of two is written yet
		k.pair, k.stamp = &pair, now
	}
	return k.pair
}

func stampOf(t *setting.TLSServer) string { return stamp(t.Cert, t.Key, t.ClientCA) }

// stamp changes when one of the files does.
func stamp(files ...setting.Path) string {
	var b strings.Builder
	for _, path := range files {
		if info, err := os.Stat(string(path)); err == nil {
			fmt.Fprint(&b, info.ModTime().UnixNano(), " ", info.Size(), " ")
		}
	}
	return b.String()
}
