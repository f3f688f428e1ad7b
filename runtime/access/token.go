package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// Token is the block auth "token". Keys of Hashes are secrets since who forgets to
// hash a token writes the token there.
type Token struct {
	From       []string                      `hcl:"from" doc:"where the token is: \"header\" (Authorization, as \"Bearer T\" or T alone), \"query:NAME\", \"cookie:NAME\", \"subprotocol\" (offered as bearer.T, beside one that the server chooses). The first of these places that has anything counts. It is removed from what the flow sees in peer"`
	Tokens     []setting.Secret              `hcl:"tokens" doc:"the tokens"`
	TokensFile setting.Path                  `hcl:"tokens_file" doc:"file with a line for each token, which may be {SHA256} and the digest in hex or base64. Words after it, like sub=alice groups=a,b, become peer.claims: with a comma, a list. Lines that begin with # are comments. It is read again when it changes"`
	Hashes     map[setting.Secret]flow.Value `hcl:"hashes" doc:"an object for each token, by the token's SHA-256 digest in hex or base64: it becomes peer.claims"`
	HashesFile setting.Path                  `hcl:"hashes_file" doc:"JSON file with the same: { \"<digest>\": { \"sub\": \"alice\" } }. It is read again when it changes"`
}

func (c *Token) open(*setting.TLSServer) (verifier, error) {
	return c.openFor(func(*flow.Object) error { return nil })
}

// Checking is the same method for who knows which claims there are: check says what
// is wrong with those of a token, without which the token would be let in as it is.
// A file with such a token cannot be used.
func (c *Token) Checking(check func(claims *flow.Object) error) Method {
	return &checkedToken{c, check}
}

type checkedToken struct {
	*Token
	check func(claims *flow.Object) error
}

func (c *checkedToken) open(*setting.TLSServer) (verifier, error) { return c.openFor(c.check) }

func (c *Token) openFor(check func(claims *flow.Object) error) (verifier, error) {
	t := &tokens{own: digests{}}
	var problems []error
	var err error
	if t.from, err = parseFrom(c.From); err != nil {
		problems = append(problems, err)
	}
	for i, s := range c.Tokens {
		if s.Reveal() == "" {
			problems = append(problems, fieldError(fmt.Sprintf("tokens[%d]", i), "tokens[%d] is empty", i))
		}
		t.own[sha256.Sum256([]byte(s.Reveal()))] = noClaims
	}
	for digest, claims := range c.Hashes {
		if err := t.own.add(digest.Reveal(), claims, check); err != nil {
			problems = append(problems, fieldError("hashes."+digest.Reveal(), "hashes: %w", err))
		}
	}
	for _, f := range []struct {
		field string
		path  setting.Path
		parse func([]byte, func(*flow.Object) error) (digests, error)
	}{{"tokens_file", c.TokensFile, parseTokens}, {"hashes_file", c.HashesFile, parseHashes}} {
		if f.path == "" {
			continue
		}
		opened, err := openFile(f.field, f.path, func(text []byte) (digests, error) { return f.parse(text, check) })
		if err != nil {
			problems = append(problems, err)
		}
		t.files = append(t.files, opened)
	}
	if len(t.own) == 0 && len(t.files) == 0 && len(problems) == 0 {
		problems = append(problems, errors.New(`auth "token" needs tokens, tokens_file, hashes or hashes_file: nobody could connect`))
	}
	return t, errors.Join(problems...)
}

// tokens is auth "token" at work.
type tokens struct {
	from  from
	own   digests
	files []*file[digests]
}

// digests are known tokens by their digest, with what is known of their owner.
// A token is looked up by its digest: how long that takes tells nothing of how
// near a wrong token is.
type digests map[[sha256.Size]byte]*flow.Object

var noClaims = flow.NewObject(0)

func (d digests) add(digest string, claims flow.Value, check func(*flow.Object) error) error {
	var key [sha256.Size]byte
	if err := parseDigest(&key, digest); err != nil {
		return err
	}
	o := claims.Object()
	if claims.Kind() != flow.Map {
		return errors.New("what is known of a token is an object, like { sub = \"alice\" }")
	}
	if err := check(o); err != nil {
		return err
	}
	if _, again := d[key]; again {
		return errors.New("a digest is there twice")
	}
	d[key] = o
	return nil
}

func parseTokens(text []byte, check func(*flow.Object) error) (digests, error) {
	d := digests{}
	for i, line := range bytes.Split(text, []byte("\n")) {
		words := strings.Fields(string(line))
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		key := sha256.Sum256([]byte(words[0]))
		if digest, hashed := strings.CutPrefix(words[0], "{SHA256}"); hashed {
			if err := parseDigest(&key, digest); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
		}
		claims, err := parseClaims(words[1:])
		if err == nil {
			err = check(claims)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		d[key] = claims
	}
	return d, nil
}

// parseClaims reads what a line says of its token: sub=alice groups=a,b.
func parseClaims(words []string) (*flow.Object, error) {
	if len(words) == 0 {
		return noClaims, nil
	}
	claims := flow.NewObject(len(words))
	for _, word := range words {
		name, text, ok := strings.Cut(word, "=")
		if _, again := claims.Get(name); !ok || name == "" || again {
			return nil, errors.New("after a token, write what is known of it, each once, like sub=alice groups=a,b")
		}
		value := flow.TextOf(text)
		if strings.Contains(text, ",") {
			var all []flow.Value
			for one := range strings.SplitSeq(text, ",") {
				all = append(all, flow.TextOf(one))
			}
			value = flow.ListOf(all)
		}
		claims.Set(name, value)
	}
	return claims, nil
}

func parseHashes(text []byte, check func(*flow.Object) error) (digests, error) {
	var all map[string]map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&all); err != nil {
		return nil, errors.New("it is no JSON object of objects: { \"<digest>\": { \"sub\": \"alice\" } }")
	}
	d := digests{}
	for digest, claims := range all {
		if err := d.add(digest, valueOf(claims), check); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (t *tokens) start(_ context.Context, log *zap.Logger) {
	for _, f := range t.files {
		f.start(log)
	}
}

func (t *tokens) conceal(r *http.Request) { t.from.conceal(r) }

func (t *tokens) verify(r *http.Request) (Identity, *Refusal) {
	token, refusal := t.from.find(r)
	if refusal != nil {
		return Identity{}, refusal
	}
	digest := sha256.Sum256([]byte(token))
	claims, ok := t.own[digest]
	for _, f := range t.files {
		if !ok {
			claims, ok = f.get()[digest]
		}
	}
	if !ok {
		return Identity{}, invalid("the token is not a known one", bearerChallenge+` error="invalid_token"`)
	}
	name := hex.EncodeToString(digest[:])
	if sub, _ := claims.Get("sub"); sub.Text() != "" {
		name = sub.Text()
	}
	return Identity{Claims: claims, Name: "token " + name}, nil
}
