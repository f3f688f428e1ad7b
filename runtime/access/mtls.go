package access

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/setting"
	"go.uber.org/zap"
)

// MTLS is the block auth "mtls".
type MTLS struct {
	Names []string `hcl:"names" doc:"whose certificates may connect: a common name, or a name, address or URI among the alternative names; * stands for anything. Without it, all that tls.client_ca has signed"`
}

func (m *MTLS) open(tls *setting.TLSServer) (verifier, error) {
	switch {
	case tls == nil:
		return nil, fieldError("", `auth "mtls" needs a tls block with client_ca: the authority that signs the clients' certificates`)
	case tls.ClientCA == "":
		return nil, fieldError("", `auth "mtls" needs client_ca in the tls block: the authority that signs the clients' certificates`)
	case tls.ClientAuth == "none":
		return nil, fieldError("", `auth "mtls" needs client_auth = "request" or "require" in the tls block: clients are not asked for a certificate`)
	}
	return &mtls{names: m.Names}, nil
}

// mtls is auth "mtls" at work. The TLS handshake has verified the certificate.
type mtls struct{ names []string }

func (m *mtls) start(context.Context, *zap.Logger) {}

func (m *mtls) conceal(*http.Request) {}

func (m *mtls) verify(r *http.Request) (Identity, *Refusal) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return Identity{}, missing("there is no client certificate", "")
	}
	cert := r.TLS.PeerCertificates[0]
	if !m.allows(cert) {
		return Identity{}, &Refusal{
			Status: http.StatusForbidden, Code: codeForbidden, Message: "this certificate may not connect",
			Reason: "the client certificate carries none of the names",
		}
	}
	print := sha256.Sum256(cert.Raw)
	return Identity{
		Claims:  certificateClaims(cert, print[:]),
		Name:    "mtls " + cert.Issuer.String() + "\n" + cert.Subject.String(),
		Expires: cert.NotAfter, Expired: "certificate expired",
	}, nil
}

func (m *mtls) allows(cert *x509.Certificate) bool {
	if len(m.names) == 0 {
		return true
	}
	has := append([]string{cert.Subject.CommonName}, alternatives(cert)...)
	for _, pattern := range m.names {
		for _, name := range has {
			if name != "" && globMatch(strings.ToLower(pattern), strings.ToLower(name)) {
				return true
			}
		}
	}
	return false
}

// alternatives are the names of a certificate beside its subject.
func alternatives(cert *x509.Certificate) []string {
	list := append(append([]string{}, cert.DNSNames...), cert.EmailAddresses...)
	for _, ip := range cert.IPAddresses {
		list = append(list, ip.String())
	}
	for _, u := range cert.URIs {
		list = append(list, u.String())
	}
	return list
}

// certificateClaims is what the flow sees of a certificate.
func certificateClaims(cert *x509.Certificate, print []byte) *flow.Object {
	var names []flow.Value
	for _, n := range alternatives(cert) {
		names = append(names, flow.TextOf(n))
	}
	return flow.ObjectOf(
		flow.Field{Key: "sub", Value: flow.TextOf(cert.Subject.CommonName)},
		flow.Field{Key: "subject", Value: flow.TextOf(cert.Subject.String())},
		flow.Field{Key: "names", Value: flow.ListOf(names)},
		flow.Field{Key: "iss", Value: flow.TextOf(cert.Issuer.String())},
		flow.Field{Key: "serial", Value: flow.TextOf(cert.SerialNumber.Text(16))},
		flow.Field{Key: "fingerprint", Value: flow.TextOf(hex.EncodeToString(print))},
		flow.Field{Key: "exp", Value: flow.IntOf(cert.NotAfter.Unix())},
	)
}

// globMatch reports whether s is what pattern says, where * is any text.
func globMatch(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}
