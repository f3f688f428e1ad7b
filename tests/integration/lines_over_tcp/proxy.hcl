# Each client has a connection of its own to a server behind.
variable "port" {
  type = number
}

variable "up" {
  type = number
}

connector "tcp_server" "in" {
  url   = "127.0.0.1:${var.port}"
  codec = "json_lines"
}

connector "ws_client" "up" {
  url   = "ws://127.0.0.1:${var.up}/"
  codec = "json"
  per   = peer.id
}

connect "asks" {
  from = connector.in
  to   = connector.up
}

connect "answers" {
  from = connector.up
  to   = connector.in
}
