variable "url" { type = string }
connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
  max_message = "64KiB"
  connect_timeout = "20s" # which the client of half a handshake sees, and the crowd should not
}
connect "echo" {
  from = connector.edge
  to   = connector.edge
}
