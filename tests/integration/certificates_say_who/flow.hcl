variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  tls {
    cert        = "server.cert"
    key         = "server.key"
    client_ca   = "clients.pem"
    client_auth = "request"
  }
  auth "mtls" {
    names = ["*.devices.example.org"]
  }
}

pipeline "who" {
  map "who" {
    event = { names = peer.claims.names, sub = type(peer.claims.sub), print = length(peer.claims.fingerprint) }
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.who]
  to   = connector.edge
}
