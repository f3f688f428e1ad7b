package acceptance

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/usage"
	"github.com/flowrun/flowrun/tests/wire"
)

// signer makes JSON Web Tokens, good and bad.
type signer struct {
	key *rsa.PrivateKey
	pem []byte // the public key
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
}

func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// token signs head and claims with the private key.
func (s *signer) token(head, claims string) string {
	text := part(head) + "." + part(claims)
	digest := sha256.Sum256([]byte(text))
	sig, _ := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:]) // a key that was just made
	return text + "." + part(string(sig))
}

// mac signs head and claims with a secret.
func mac(secret []byte, head, claims string) string {
	text := part(head) + "." + part(claims)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(text))
	return text + "." + part(string(h.Sum(nil)))
}

func bearer(token string) string { return "Authorization: Bearer " + token + "\r\n" }

func claims(more string) string {
	return fmt.Sprintf(`{"sub":"alice","exp":%d%s}`, time.Now().Add(time.Hour).Unix(), more)
}

// No token is let in but those that who signs has signed, and none of the
// others costs more than its length.
func TestForgedTokens(t *testing.T) {
	s := newSigner(t)
	other := newSigner(t)
	good := s.token(`{"alg":"RS256"}`, claims(""))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "public.pem"), s.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(good, ".")
	body, sig, _ := strings.Cut(rest, ".")
	tokens := map[string]string{
		"alg none":               part(`{"alg":"none"}`) + "." + part(claims("")) + ".",
		"alg None":               part(`{"alg":"None"}`) + "." + part(claims("")) + ".",
		"alg none, signed":       part(`{"alg":"none"}`) + "." + part(claims("")) + "." + sig,
		"no alg":                 part(`{}`) + "." + part(claims("")) + "." + sig,
		"alg is a number":        part(`{"alg":256}`) + "." + part(claims("")) + "." + sig,
		"the public key as PEM":  mac(s.pem, `{"alg":"HS256"}`, claims("")),
		"the public key as text": mac(bytes.TrimSpace(s.pem), `{"alg":"HS256"}`, claims("")),
		"an empty secret":        mac(nil, `{"alg":"HS256"}`, claims("")),
		"the key in the token":   other.token(fmt.Sprintf(`{"alg":"RS256","jwk":%s}`, other.jwk("")), claims("")),
		"another's key":          other.token(`{"alg":"RS256"}`, claims("")),
		"a critical extension":   s.token(`{"alg":"RS256","crit":["b64"],"b64":false}`, claims("")),
		"expired":                s.token(`{"alg":"RS256"}`, `{"sub":"alice","exp":1}`),
		"no expiry":              s.token(`{"alg":"RS256"}`, `{"sub":"alice"}`),
		"expiry is a text":       s.token(`{"alg":"RS256"}`, `{"sub":"alice","exp":"9999999999"}`),
		"expiry is no number":    s.token(`{"alg":"RS256"}`, `{"sub":"alice","exp":1e999}`),
		"nested":                 s.token(`{"alg":"RS256","cty":"JWT"}`, `"`+good+`"`),
		"deep claims":            s.token(`{"alg":"RS256"}`, claims(`,"a":`+strings.Repeat("[", 12_000)+strings.Repeat("]", 12_000))),
		"encrypted":              head + "." + body + "." + sig + "." + body + "." + sig,
		"no signature":           head + "." + body + ".",
		"two parts":              head + "." + body,
		"swapped":                body + "." + head + "." + sig,
		"other claims":           head + "." + part(claims(`,"role":"admin"`)) + "." + sig,
		"dots":                   strings.Repeat(".", 30_000),
		"garbage":                strings.Repeat("A", 60_000),
	}
	flow := strings.Replace(fmt.Sprintf(fortified, `auth "jwt" {
    public_key = "public.pem"
    from       = ["header", "query:token"]
  }`), "max_connections_per_ip = 16", "max_connections_per_ip = 64", 1)
	siege{dir: dir, flow: flow, mib: fortifiedMiB, fields: bearer(good)}.run(t, func(f *flowrun, addr string) {
		for name, token := range tokens {
			each(t, 5, 5, func(i int) error {
				target, fields := "/", bearer(token)
				if i == 4 {
					target, fields = "/?token="+token, ""
				}
				c, status, body, err := knock("127.0.0.2", addr, target, fields)
				if err == nil && (status != 401 || c != nil || !strings.Contains(body, `"error":"`)) {
					err = fmt.Errorf("the answer is %d %s", status, body)
				}
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				return nil
			})
		}
		each(t, 5, 5, func(int) error { // as long as no header may be
			_, status, _, err := knock("127.0.0.2", addr, "/", bearer(strings.Repeat("A", 1<<20)))
			if err == nil && status != 431 {
				return fmt.Errorf("a token of 1 MiB is answered %d", status)
			}
			return nil // the answer may be lost because there was still something to read
		})
		for _, token := range tokens {
			if len(token) > 40 && strings.Contains(f.Stderr.String(), token[len(token)-40:]) {
				t.Error("the log holds a token")
			}
		}
	})
}

// jwk is the public key as JSON.
func (s *signer) jwk(kid string) string {
	text, _ := json.Marshal(map[string]string{ // texts
		"kty": "RSA", "kid": kid,
		"n": base64.RawURLEncoding.EncodeToString(s.key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(s.key.E)).Bytes()),
	})
	return string(text)
}

// However many keys tokens name that nobody knows, the endpoint is asked no more
// often than jwks_cooldown says, and who has a good token does not wait.
func TestThousandsOfUnknownKeys(t *testing.T) {
	s := newSigner(t)
	var fetches atomic.Int64
	var besieged atomic.Bool
	stuck := make(chan struct{})
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if besieged.Load() { // it does not answer any more
			fetches.Add(1)
			select {
			case <-stuck:
			case <-r.Context().Done():
			}
			return
		}
		fmt.Fprintf(w, `{"keys":[%s]}`, s.jwk("known"))
	}))
	defer endpoint.Close()
	defer close(stuck)
	flow := strings.Replace(fmt.Sprintf(fortified, fmt.Sprintf(`auth "jwt" {
    jwks_url      = "%s/keys"
    jwks_cooldown = "1s"
    jwks_timeout  = "300ms"
  }`, endpoint.URL)), "max_connections_per_ip = 16", "max_connections_per_ip = 48", 1)
	good := bearer(s.token(`{"alg":"RS256","kid":"known"}`, claims("")))
	siege{flow: flow, mib: fortifiedMiB, fields: good}.run(t, func(_ *flowrun, addr string) {
		began := time.Now()
		besieged.Store(true)
		_, signature, _ := strings.Cut(s.token("", ""), "..")
		each(t, 50*(*attackers), 40, func(i int) error {
			token := part(fmt.Sprintf(`{"alg":"RS256","kid":"unknown %d"}`, i)) + "." + part(claims("")) + "." + signature
			_, status, body, err := knock("127.0.0.2", addr, "/", bearer(token))
			if err == nil && status != 401 {
				err = fmt.Errorf("an unknown key is answered %d %s", status, body)
			}
			if i%50 == 0 && err == nil {
				var c *wire.Conn
				if c, status, body, err = knock("127.0.0.3", addr, "/", good); c == nil {
					return fmt.Errorf("a good token is answered %d %s %w", status, body, err)
				}
				return leaves(c)
			}
			return err
		})
		if n, most := fetches.Load(), 2+int64(time.Since(began)/time.Second); n > most {
			t.Errorf("the keys were asked for %d times, more than %d", n, most)
		}
	})
}

// Guessing passwords, which costs a hash each, takes half of the processors at
// most; who is connected is answered, and who was let in before comes in again.
func TestGuessedPasswords(t *testing.T) {
	const hash = `$2a$11$lr1fB2bCHMoZ77zZ7isWKu8TBJuKDrBsdTMWtAsJMkMGAY62dZika` // of wonderland, at the cost 11
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "users.txt"), []byte("alice:"+hash), 0o600); err != nil {
		t.Fatal(err)
	}
	flow := strings.Replace(fmt.Sprintf(fortified, `auth "basic" {
    credentials_file = "users.txt"
  }`), "max_connections_per_ip = 16", "max_connections_per_ip = 48", 1)
	basic := func(user, word string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+word)) + "\r\n"
	}
	siege{dir: dir, flow: flow, mib: fortifiedMiB, fields: basic("alice", "wonderland")}.run(t, func(f *flowrun, addr string) {
		cpu := func() time.Duration {
			used, err := usage.CPU(f.PID())
			if err != nil {
				t.Skipf("skipped: %v", err)
			}
			return used
		}
		began, before := time.Now(), cpu()
		var wrong, busy atomic.Int64
		each(t, 2*(*attackers), 45, func(i int) error {
			_, status, body, err := knock("127.0.0.2", addr, "/", basic([]string{"alice", "nobody"}[i%2], fmt.Sprint("guess ", i)))
			switch {
			case err != nil:
				return err
			case status == 401:
				wrong.Add(1)
			case status == 503 && strings.Contains(body, "auth_unavailable"):
				busy.Add(1)
			default:
				return fmt.Errorf("a wrong password is answered %d %s", status, body)
			}
			if i%10 != 9 {
				return nil
			}
			c, status, body, err := knock("127.0.0.3", addr, "/", basic("alice", "wonderland"))
			if c == nil {
				return fmt.Errorf("alice, who was here before, is answered %d %s %w", status, body, err)
			}
			return leaves(c)
		})
		share := float64(cpu()-before) / float64(time.Since(began))
		t.Logf("%d were answered 401 and %d 503 with %.2f processors", wrong.Load(), busy.Load(), share)
		if most := float64(max(1, runtime.NumCPU()/2)) + 0.5; share > most {
			t.Errorf("guessing passwords takes %.2f processors, more than %.2f", share, most)
		}
	})
}

// Messages that inflate to more than max_message end their connections, and
// cost no more than one that does not.
func TestCompressedBombs(t *testing.T) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, io.LimitReader(zeros{}, 40<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	bomb := bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 255, 255}) // about 50 KB
	if len(bomb) >= 64<<10 {
		t.Fatalf("the bomb is refused for its own %d bytes", len(bomb))
	}
	for _, takeover := range []string{"no_context_takeover", "context_takeover"} {
		t.Run(takeover, func(t *testing.T) {
			const rsv1 = 0x40
			flow := fmt.Sprintf(fortified, fmt.Sprintf("compression = %q", takeover))
			besieged(t, flow, func(_ *flowrun, addr string) {
				each(t, 4*(*attackers), 14, func(i int) error {
					c, status, body, err := knock("127.0.0.2", addr, "/", "Sec-WebSocket-Extensions: permessage-deflate\r\n")
					switch {
					case err != nil || status == 429:
						return err
					case c == nil:
						return fmt.Errorf("the handshake is answered %d %s", status, body)
					}
					defer c.Close()
					if i%2 == 0 {
						err = c.Send(wire.Fin|rsv1|wire.Binary, bomb)
					} else {
						out := wire.AppendFrame(nil, rsv1|wire.Binary, bomb[:1000])
						out = wire.AppendFrame(out, wire.Continuation, bomb[1000:20_000])
						_, err = c.Write(wire.AppendFrame(out, wire.Fin|wire.Continuation, bomb[20_000:]))
					}
					if code := parting(c); err == nil && code != 1009 {
						return fmt.Errorf("the bomb is answered with %d", code)
					}
					return nil // it may be parted from before all is sent
				})
			})
		})
	}
}
