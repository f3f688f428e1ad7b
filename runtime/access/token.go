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
	"go.uber.org/zap"
)

// Token is the block auth "token". Keys of Hashes are secrets since who forgets to
// hash a token writes the token there.
type Token struct {
	From       []string                   `hcl:"from" doc:"where the token is: \"header\" (Authorization, as \"Bearer T\" or T alone), \"query:NAME\", \"cookie:NAME\", \"subprotocol\" (offered as bearer.T, beside one that the server chooses). The first of these places that has anything counts. It is removed from what the flow sees in peer"`
	Tokens     []flow.Secret              `hcl:"tokens" doc:"the tokens"`
	TokensFile flow.Path                  `hcl:"tokens_file" doc:"file with a line for each token, which may be {SHA256} and the digest in hex or base64; lines that begin with # are comments. It is read again when it changes"`
	Hashes     map[flow.Secret]flow.Value `hcl:"hashes" doc:"an object for each token, by the token's SHA-256 digest in hex or base64: it becomes peer.claims"`
	HashesFile flow.Path                  `hcl:"hashes_file" doc:"JSON file with the same: { \"<digest>\": { \"sub\": \"alice\" } }. It is read again when it changes"`
}

func (c *Token) open(*flow.TLSServer) (verifier, error) {
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
		if err := t.own.add(digest.Reveal(), claims); err != nil {
			problems = append(problems, fieldError("hashes."+digest.Reveal(), "hashes: %w", err))
		}
	}
	for _, f := range []struct {
		field string
		path  flow.Path
		parse func([]byte) (digests, error)
	}{{"tokens_file", c.TokensFile, parseTokens}, {"hashes_file", c.HashesFile, parseHashes}} {
		if f.path == "" {
			continue
		}
		opened, err := openFile(f.field, f.path, f.parse)
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

func (d digests) add(digest string, claims flow.Value) error {
	var key [sha256.Size]byte
	if err := parseDigest(&key, digest); err != nil {
		return err
	}
	o := claims.Object()
	if claims.Kind() != flow.Map {
		return errors.New("what is known of a token is an object, like { sub = \"alice\" }")
	}
	if _, again := d[key]; again {
		return errors.New("a digest is there twice")
	}
	d[key] = o
	return nil
}

func parseTokens(text []byte) (digests, error) {
	d := digests{}
	for i, line := range bytes.Split(text, []byte("\n")) {
		token := strings.TrimSpace(string(line))
		if token == "" || token[0] == '#' {
			continue
		}
		key := sha256.Sum256([]byte(token))
		if digest, hashed := strings.CutPrefix(token, "{SHA256}"); hashed {
			if err := parseDigest(&key, digest); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
		}
		d[key] = noClaims
	}
	return d, nil
}

func parseHashes(text []byte) (digests, error) {
	var all map[string]map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&all); err != nil {
		return nil, errors.New("it is no JSON object of objects: { \"<digest>\": { \"sub\": \"alice\" } }")
	}
	d := digests{}
	for digest, claims := range all {
		if err := d.add(digest, valueOf(claims)); err != nil {
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
