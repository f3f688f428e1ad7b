package setting

// TLSServer is the `tls` block of a listener, with what it was checked to be.
type TLSServer struct {
	Cert       Path   `hcl:"cert" required:"true" doc:"certificate chain, PEM file"`
	Key        Path   `hcl:"key" required:"true" doc:"private key, PEM file"`
	ClientCA   Path   `hcl:"client_ca" doc:"PEM file of authorities that sign client certificates"`
	ClientAuth string `hcl:"client_auth" oneof:"none|request|require" doc:"whether clients must show a certificate of client_ca; require when client_ca is given"`
	MinVersion string `hcl:"min_version" oneof:"1.2|1.3" doc:"oldest TLS version accepted"`
}

// TLSClient is the `tls` block of a connector that dials.
type TLSClient struct {
	CAFile     Path   `hcl:"cafile" doc:"PEM file of the authorities to trust; the system's when not given"`
	Domain     string `hcl:"domain" doc:"name that the server's certificate must carry; the URL's host when not given"`
	Cert       Path   `hcl:"cert" doc:"client certificate chain, PEM file"`
	Key        Path   `hcl:"key" doc:"private key of the client certificate, PEM file"`
	Insecure   bool   `hcl:"insecure" doc:"accept any certificate; for tests only"`
	MinVersion string `hcl:"min_version" oneof:"1.2|1.3" doc:"oldest TLS version accepted"`
}
