# What is measured: lines that come over TCP leave as frames of a WebSocket.
variable "upstream" {
  type = string
}

connector "tcp_server" "edge" {
  url   = "127.0.0.1:0"
  codec = "json_lines"
}

connector "ws_client" "out" {
  url   = "ws://${var.upstream}/"
  codec = "json"
}

connect "flush" {
  from = connector.edge
  to   = connector.out
}
