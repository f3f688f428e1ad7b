connector "ws_server" "edge" {
  url   = "wss://127.0.0.1:0"
  codec = "json"
  tls {
    cert = "missing.cert"
    key  = "missing.key"
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
