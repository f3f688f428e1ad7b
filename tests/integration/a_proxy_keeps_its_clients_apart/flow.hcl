# Each client has a connection of its own to the server behind.
variable "url" {
  type = string
}

variable "upstream" {
  type = string
}

connector "ws_server" "clients" {
  url   = var.url
  codec = "string"
}

connector "ws_client" "upstream" {
  url   = var.upstream
  codec = "string"
  per   = peer.id
}

connect "requests" {
  from = connector.clients
  to   = connector.upstream
}

connect "answers" {
  from = connector.upstream
  to   = connector.clients
}
