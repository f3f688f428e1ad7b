package access

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

var (
	symmetric  = []string{"HS256", "HS384", "HS512"}
	asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)

var (
	errNoKeys     = errors.New("no keys")
	errUnknownKey = errors.New("unknown key")
)

// keys are what tokens are signed with. find returns those that a token may be
// signed with which names kid, or no key at all, and alg; errUnknownKey where
// there is none. A key is only ever given out for an algorithm of its own kind:
// a public key is no secret for HS256.
type keys interface {
	start(ctx context.Context, log *zap.Logger)
	find(ctx context.Context, kid, alg string) ([]jwt.VerificationKey, error)
}

// sharedKey is the argument secret.
type sharedKey []byte

func (sharedKey) start(context.Context, *zap.Logger) {}

func (k sharedKey) find(context.Context, string, string) ([]jwt.VerificationKey, error) {
	return []jwt.VerificationKey{[]byte(k)}, nil
}

// keyFile is the argument public_key. It has no name: whatever key a token
// names, it may be this one.
type keyFile struct{ file *file[any] }

func (k keyFile) start(_ context.Context, log *zap.Logger) { k.file.start(log) }

func (k keyFile) find(_ context.Context, _, alg string) ([]jwt.VerificationKey, error) {
	key := k.file.get()
	if !suits(key, alg) {
		return nil, errUnknownKey
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

func parsePublicKey(text []byte) (any, error) {
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
