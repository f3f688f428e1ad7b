package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"
)

// users are the users of one list, or of one file.
type users struct {
	by   map[string]password
	slow []byte // the bcrypt hash that costs most; nil where there is none
}

// password is what is known of one: a bcrypt hash, or a SHA-256 digest.
type password struct {
	slow  []byte
	right *atomic.Pointer[[sha256.Size]byte] // see remembered; with slow
	fast  [sha256.Size]byte
}

// remembered reports whether word has been found to be right before: who comes
// back need not wait for a hash, however many are guessing.
func (p *password) remembered(word string) bool {
	if p.slow == nil {
		return false
	}
	right := p.right.Load()
	digest := p.digest(word)
	return right != nil && subtle.ConstantTimeCompare(right[:], digest[:]) == 1
}

func (p *password) digest(word string) [sha256.Size]byte {
	return sha256.Sum256(append(p.slow[:len(p.slow):len(p.slow)], word...))
}

func parseUsers(text []byte) (users, error) {
	u := users{by: map[string]password{}}
	for i, line := range bytes.Split(text, []byte("\n")) {
		line := strings.TrimSuffix(string(line), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := u.add(line); err != nil {
			return u, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if len(u.by) == 0 {
		return u, errors.New("there is no user in it")
	}
	return u, nil
}

// add reads "user:password". Its errors do not repeat it.
func (u *users) add(line string) error {
	name, word, ok := strings.Cut(line, ":")
	switch {
	case !ok || name == "":
		return errors.New(`a user is written "user:password"`)
	case word == "":
		return errors.New("the password is empty")
	}
	if _, again := u.by[name]; again {
		return errors.New("the user is there twice")
	}
	p, err := parsePassword(word)
	if err != nil {
		return err
	}
	if p.slow != nil && (u.slow == nil || cost(p.slow) > cost(u.slow)) {
		u.slow = p.slow
	}
	u.by[name] = p
	return nil
}

// maxCost is the largest cost of a bcrypt hash accepted: about two seconds of a
// processor.
const maxCost = 15

func parsePassword(word string) (p password, err error) {
	switch {
	case strings.HasPrefix(word, "$2"):
		p.slow, p.right = []byte(word), new(atomic.Pointer[[sha256.Size]byte])
		switch n, err := bcrypt.Cost(p.slow); {
		case err != nil:
			return p, errors.New("the bcrypt hash is broken: write it with htpasswd -B")
		case n > maxCost:
			return p, fmt.Errorf("the bcrypt hash costs %d, more than %d: seconds for each handshake", n, maxCost)
		}
	case strings.HasPrefix(word, "{SHA256}"):
		return p, parseDigest(&p.fast, strings.TrimPrefix(word, "{SHA256}"))
	case strings.HasPrefix(word, "$apr1$"), strings.HasPrefix(word, "{SHA}"):
		return p, errors.New("hashes by MD5 and SHA-1 are not accepted: write one with htpasswd -B")
	default:
		p.fast = sha256.Sum256([]byte(word))
	}
	return p, nil
}

// parseDigest reads a SHA-256 digest in hex or base64.
func parseDigest(to *[sha256.Size]byte, text string) error {
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString} {
		if d, err := decode(text); err == nil && len(d) == sha256.Size {
			copy(to[:], d)
			return nil
		}
	}
	return errors.New("a SHA-256 digest has 64 hex digits, or 43 characters of base64")
}

func cost(hash []byte) int {
	n, _ := bcrypt.Cost(hash) // it was checked
	return n
}

// turns are for computing bcrypt hashes, which take tens of milliseconds: half
// of the processors stay free for who is connected already.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// check compares a password in the same time whether the user exists or not:
// one digest, and one bcrypt hash where any user has one, unless it is a right
// one that has been seen before. The error is that of
// ctx, which ended before there was a turn.
func check(ctx context.Context, tables []users, user, word string) (bool, error) {
	var known password
	var slow []byte
	found := false
	for _, t := range tables {
		if p, ok := t.by[user]; ok && !found {
			known, found = p, true
		}
		if t.slow != nil && (slow == nil || cost(t.slow) > cost(slow)) {
			slow = t.slow
		}
	}
	digest := sha256.Sum256([]byte(word))
	right := subtle.ConstantTimeCompare(digest[:], known.fast[:]) == 1 && found && known.slow == nil
	switch {
	case slow == nil:
		return right, nil
	case known.remembered(word):
		return true, nil
	}
	hash := slow
	if known.slow != nil {
		hash = known.slow
	}
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	err := bcrypt.CompareHashAndPassword(hash, []byte(word))
	if known.slow != nil {
		if right = err == nil; right {
			digest := known.digest(word)
			known.right.Store(&digest)
		}
	}
	return right, nil
}
