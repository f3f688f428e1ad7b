connector "ws_server" "edge" {
  url   = "127.0.0.1:0"
  cdoec = "json"
}

connect "echo" {
  from = connector.egde
  to   = connector.edge
}
