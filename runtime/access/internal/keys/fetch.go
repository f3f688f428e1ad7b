package keys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/MicahParks/jwkset"
)

const (
	maxSet  = 1 << 20 // bytes of a key set
	maxKeys = 1000
)

// get asks for the keys.
func (k *Set) get(ctx context.Context) ([]publishedKey, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, errors.New("it is no URL that can be asked for")
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := k.client.Do(r)
	if err != nil {
		if cause := (*url.Error)(nil); errors.As(err, &cause) {
			err = cause.Err // without the URL
		}
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // it is only read
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxSet+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxSet:
		return nil, errors.New("it is longer than 1 MiB")
	}
	return parseSet(body)
}

// parseSet reads a JSON Web Key Set (RFC 7517). Keys that are not for
// signatures, or of kinds that are not known, are left out.
func parseSet(body []byte) ([]publishedKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errors.New("it is no JSON Web Key Set")
	}
	var keys []publishedKey
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		jwk, err := jwkset.NewJWKFromRawJSON(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipAll: true})
		if err != nil || jwk.Marshal().USE == jwkset.UseEnc || checkKey(jwk.Key()) != nil {
			continue
		}
		m := jwk.Marshal()
		keys = append(keys, publishedKey{m.KID, m.ALG.String(), jwk.Key()})
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no key that tokens could be signed with")
	}
	return keys, nil
}
