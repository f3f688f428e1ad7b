// Package tlsfiles reads what the TLS settings of a flow name: certificates, keys
// and the authorities that are trusted.
//
// An error is a *setting.Error that names the argument below the block ("cert"),
// so that the flow file can be pointed at.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/flowrun/flowrun/runtime/setting"
)

// versions are those that a flow can name, and the one when it names none.
var versions = map[string]uint16{"": tls.VersionTLS12, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// Server returns the configuration of a TLS listener.
func Server(t *setting.TLSServer) (*tls.Config, error) {
	cert, err := loadPair(t.Cert, t.Key)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: versions[t.MinVersion]}
	if t.ClientCA != "" {
		if c.ClientCAs, err = loadPool("client_ca", t.ClientCA); err != nil {
			return nil, err
		}
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	switch t.ClientAuth {
	case "none":
		c.ClientAuth = tls.NoClientCert
	case "request":
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case "require":
		if t.ClientCA == "" {
			return nil, &setting.Error{Field: "client_auth", Err: errors.New("client_auth = \"require\" needs client_ca: the authorities whose certificates are accepted")}
		}
	}
	return c, nil
}

// Client returns the configuration for dialling; that of the system's defaults for
// nil. The client's certificate is looked at with each handshake, and read again when
// its files have changed; as long as they do not fit together, the old one is in use.
func Client(t *setting.TLSClient) (*tls.Config, error) {
	if t == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	c := &tls.Config{
		ServerName:         t.Domain,
		InsecureSkipVerify: t.Insecure, //nolint:gosec // what `insecure` asks for
		MinVersion:         versions[t.MinVersion],
	}
	var err error
	if t.CAFile != "" {
		if c.RootCAs, err = loadPool("cafile", t.CAFile); err != nil {
			return nil, err
		}
	}
	switch {
	case t.Cert != "" && t.Key != "":
		cert, err := loadPair(t.Cert, t.Key)
		if err != nil {
			return nil, err
		}
		k := &pairKeeper{from: t, pair: &cert, stamp: stamp(t.Cert, t.Key)}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return k.current(), nil }
	case t.Cert != "":
		return nil, &setting.Error{Field: "cert", Err: errors.New("cert needs key: the private key of the certificate")}
	case t.Key != "":
		return nil, &setting.Error{Field: "key", Err: errors.New("key needs cert: the certificate that belongs to it")}
	}
	return c, nil
}

func loadPair(cert, key setting.Path) (tls.Certificate, error) {
	certPEM, err := readFile("cert", cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyPEM, err := readFile("key", key)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return pair, &setting.Error{Field: "cert", Err: fmt.Errorf("%s and %s are no certificate and key: %w", cert, key, err)}
	}
	return pair, nil
}

func loadPool(field string, path setting.Path) (*x509.CertPool, error) {
	pem, err := readFile(field, path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &setting.Error{Field: field, Err: fmt.Errorf("%s holds no certificate in PEM form", path)}
	}
	return pool, nil
}

func readFile(field string, path setting.Path) ([]byte, error) {
	data, err := os.ReadFile(string(path))
	if err == nil {
		return data, nil
	}
	if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
		err = cause.Err
	}
	return nil, &setting.Error{Field: field, Err: fmt.Errorf("cannot read %s: %w", path, err)}
}
