package flow

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Load reads the files and returns the configuration of a TLS listener. An
// error is a *FieldError that names the argument below the block ("cert").
func (t *TLSServer) Load() (*tls.Config, error) {
	cert, err := loadPair(t.Cert, t.Key)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tlsVersions[t.MinVersion]}
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
			return nil, &FieldError{"client_auth", errors.New("client_auth = \"require\" needs client_ca: the authorities whose certificates are accepted")}
		}
	}
	return c, nil
}

// Load reads the files and returns the configuration for dialling. An error
// is a *FieldError that names the argument below the block. A nil receiver
// gives the system's defaults.
func (t *TLSClient) Load() (*tls.Config, error) {
	if t == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	c := &tls.Config{
		ServerName:         t.Domain,
		InsecureSkipVerify: t.Insecure, //nolint:gosec // what `insecure` asks for
		MinVersion:         tlsVersions[t.MinVersion],
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
		c.Certificates = []tls.Certificate{cert}
	case t.Cert != "":
		return nil, &FieldError{"cert", errors.New("cert needs key: the private key of the certificate")}
	case t.Key != "":
		return nil, &FieldError{"key", errors.New("key needs cert: the certificate that belongs to it")}
	}
	return c, nil
}

func loadPair(cert, key Path) (tls.Certificate, error) {
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
		return pair, &FieldError{"cert", fmt.Errorf("%s and %s are no certificate and key: %w", cert, key, err)}
	}
	return pair, nil
}

func loadPool(field string, path Path) (*x509.CertPool, error) {
	pem, err := readFile(field, path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &FieldError{field, fmt.Errorf("%s holds no certificate in PEM form", path)}
	}
	return pool, nil
}

func readFile(field string, path Path) ([]byte, error) {
	data, err := os.ReadFile(string(path))
	if err == nil {
		return data, nil
	}
	if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
		err = cause.Err
	}
	return nil, &FieldError{field, fmt.Errorf("cannot read %s: %w", path, err)}
}
