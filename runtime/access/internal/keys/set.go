package keys

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/endpoint"
	"github.com/flowrun/flowrun/runtime/setting"
	"github.com/flowrun/flowrun/runtime/tlsfiles"
)

// Options say where keys are published, and how often they are fetched.
type Options struct {
	URL      endpoint.URL
	TLS      *setting.TLSClient
	Refresh  time.Duration // how old they may be before they are fetched again
	Cooldown time.Duration // between two fetches
	Timeout  time.Duration // of a fetch, and of who waits for it
}

// Set are the keys that somebody else publishes.
type Set struct {
	url      string
	shown    string // the URL without its secrets
	client   *http.Client
	refresh  time.Duration
	cooldown time.Duration
	timeout  time.Duration
	known    atomic.Pointer[published]

	mu      sync.Mutex
	ctx     context.Context // of fetches
	log     *zap.Logger
	fetched chan struct{} // closed when the fetch that is under way has ended; nil when there is none
	begun   time.Time     // the last fetch
}

// published is what was fetched at one time.
type published struct {
	keys []publishedKey
	at   time.Time
}

type publishedKey struct {
	id, alg string
	key     any
}

// NewSet returns the keys that are published at a URL, before they have been
// fetched. Errors name the arguments as flows do.
func NewSet(o Options) (*Set, error) {
	u := o.URL
	switch {
	case u.Scheme == "http" && !loopback(u.Host):
		return nil, &setting.Error{Field: "jwks_url", Err: errors.New("jwks_url must be https: whoever is on the way could forge keys")}
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, &setting.Error{Field: "jwks_url", Err: errors.New("jwks_url must begin with https://")}
	case u.Host == "":
		return nil, &setting.Error{Field: "jwks_url", Err: errors.New("jwks_url has no host")}
	}
	conf, err := tlsfiles.Client(o.TLS)
	if err != nil {
		return nil, setting.Within("tls", err)
	}
	k := &Set{
		url: u.Reveal(u.Scheme), shown: u.String(), ctx: context.Background(), log: zap.NewNop(),
		refresh: o.Refresh, cooldown: o.Cooldown, timeout: o.Timeout,
	}
	k.client = &http.Client{Timeout: k.timeout, Transport: transport(conf), CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != "https" && !loopback(r.URL.Hostname()) || len(via) > 5 {
			return errors.New("it redirects to where keys could be forged, or too often")
		}
		return nil
	}}
	return k, nil
}

// transport keeps no connection: keys are fetched a few times an hour.
func transport(conf *tls.Config) *http.Transport {
	return &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Start implements Source.
func (k *Set) Start(ctx context.Context, log *zap.Logger) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ctx, k.log = ctx, log
	k.fetch(time.Now())
}

// Find implements Source.
func (k *Set) Find(ctx context.Context, kid, alg string) ([]jwt.VerificationKey, error) {
	known := k.known.Load()
	found := known.find(kid, alg)
	if len(found) > 0 && time.Since(known.at) < k.refresh {
		return found, nil
	}
	k.mu.Lock()
	if now := time.Now(); k.fetched == nil && now.Sub(k.begun) >= k.cooldown {
		k.fetch(now)
	}
	wait := k.fetched
	k.mu.Unlock()
	if len(found) > 0 {
		return found, nil
	}
	if wait != nil {
		timer := time.NewTimer(k.timeout)
		defer timer.Stop()
		select {
		case <-wait:
		case <-timer.C:
		case <-ctx.Done():
		}
		known = k.known.Load()
	}
	if known == nil {
		return nil, ErrNone
	}
	if found = known.find(kid, alg); len(found) == 0 {
		return nil, ErrUnknown
	}
	return found, nil
}

func (p *published) find(kid, alg string) (found []jwt.VerificationKey) {
	if p == nil {
		return nil
	}
	for _, key := range p.keys {
		if (kid == "" || kid == key.id) && (key.alg == "" || key.alg == alg) && suits(key.key, alg) {
			found = append(found, key.key)
		}
	}
	return found
}

// fetch begins to fetch the keys. The caller holds mu, and nobody is fetching.
func (k *Set) fetch(now time.Time) {
	k.begun = now
	done := make(chan struct{})
	k.fetched = done
	go func(ctx context.Context, log *zap.Logger) {
		keys, err := k.get(ctx)
		k.mu.Lock()
		if err == nil { // together: who knows these keys does not wait for them in search of newer ones
			k.known.Store(&published{keys, time.Now()})
		}
		k.fetched = nil
		k.mu.Unlock()
		close(done)
		if err != nil && ctx.Err() == nil {
			log.Warn("the keys of jwks_url cannot be fetched, those known stay in use", zap.String("jwks_url", k.shown), zap.Error(err))
		}
	}(k.ctx, k.log)
}
