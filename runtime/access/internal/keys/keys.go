// Package keys holds what tokens are signed with: a secret that both sides know, a
// public key in a file, or the keys that somebody publishes as a JSON Web Key Set
// (RFC 7517), which are fetched again when they are old or a token names another.
//
// It knows keys and algorithms, and nothing of what tokens say. A key is only ever
// given out for an algorithm of its own kind: a public key is no secret for HS256.
package keys

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"
)

// Algorithms of JSON Web Tokens (RFC 7518) that are known, by the kind of their keys.
var (
	Symmetric  = []string{"HS256", "HS384", "HS512"}
	Asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)

// Why there is no key.
var (
	ErrNone    = errors.New("no keys")
	ErrUnknown = errors.New("unknown key")
)

// Source is where keys come from. Its methods may be called from any goroutine.
type Source interface {
	// Start keeps the keys fresh until ctx ends, and tells log what goes wrong. It
	// returns at once.
	Start(ctx context.Context, log *zap.Logger)
	// Find returns the keys that a token may be signed with which names kid, or no key
	// at all, and alg; ErrUnknown where there is none, ErrNone while none is known. It
	// may wait for keys, for a bounded time or until ctx ends.
	Find(ctx context.Context, kid, alg string) ([]jwt.VerificationKey, error)
}

// Shared is a secret that both sides know.
type Shared []byte

// Start implements Source.
func (Shared) Start(context.Context, *zap.Logger) {}

// Find implements Source.
func (k Shared) Find(context.Context, string, string) ([]jwt.VerificationKey, error) {
	return []jwt.VerificationKey{[]byte(k)}, nil
}

// File is a public key that is in a file. It has no name: whatever key a token
// names, it may be this one.
type File struct {
	Get   func() any            // the key, of ParsePublic, as it is now
	Watch func(log *zap.Logger) // begins to look whether it changes
}

// Start implements Source.
func (k File) Start(_ context.Context, log *zap.Logger) { k.Watch(log) }

// Find implements Source.
func (k File) Find(_ context.Context, _, alg string) ([]jwt.VerificationKey, error) {
	key := k.Get()
	if !suits(key, alg) {
		return nil, ErrUnknown
	}
	return []jwt.VerificationKey{key}, nil
}

// suits reports whether alg is an algorithm of keys like this one.
func suits(key any, alg string) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return alg[:2] == "RS" || alg[:2] == "PS"
	case *ecdsa.PublicKey:
		return alg == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[key.Curve.Params().BitSize]
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// minRSA is the shortest RSA key accepted, in bits.
const minRSA = 2048

func checkKey(key any) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA {
			return errors.New("the RSA key has less than 2048 bits")
		}
		return nil
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	}
	return errors.New("the key is not one of RSA, ECDSA and Ed25519")
}

// ParsePublic reads a public key, or that of a certificate, from PEM.
func ParsePublic(text []byte) (any, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no PEM file")
	}
	var key any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = cert.PublicKey
		}
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return nil, errors.New("it holds a private key: only who signs tokens should have that, write the public one")
	default:
		return nil, errors.New("it holds no PUBLIC KEY and no CERTIFICATE")
	}
	if err != nil {
		return nil, err
	}
	return key, checkKey(key)
}
