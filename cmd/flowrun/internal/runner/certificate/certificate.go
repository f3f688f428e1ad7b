// Package certificate makes the throw-away TLS certificates of tests: a pair of
// PEM files (RFC 7468) that is trusted by whoever is given the first of them.
package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// A test lasts for minutes; clocks of machines differ.
const (
	since    = time.Hour
	lifetime = 24 * time.Hour
)

// Write makes a certificate for host names and IP addresses and writes it into
// NAME.cert in the folder, and its private key into NAME.key, replacing what was
// there. It is signed by its own key and may sign, so that the same file is what
// a server shows, what a client trusts, and the authority of what a client shows.
func Write(dir, name string, hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // of two that are called the same
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-since), NotAfter: now.Add(lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IsCA:     true, BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		suffix, kind string
		der          []byte
	}{{".cert", "CERTIFICATE", cert}, {".key", "PRIVATE KEY", secret}} {
		text := pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der})
		if err := os.WriteFile(filepath.Join(dir, name+f.suffix), text, 0o600); err != nil {
			return fmt.Errorf("write the certificate %s: %w", name, err)
		}
	}
	return nil
}
