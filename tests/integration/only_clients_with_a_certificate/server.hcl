variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  tls {
    cert        = "server.cert"
    key         = "server.key"
    client_ca   = "client.cert"
    client_auth = "require"
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
