# What a client says in bgpipe's JSON is told in exa: to another bgpipe, and on the standard output.
variable "url" {
  type = string
}

variable "bgpipe" {
  type = string
}

connector "ws_server" "clients" {
  url   = var.url
  codec = { name = "bgp", format = "json" }
}

connector "ws_client" "bgpipe" {
  url   = var.bgpipe
  codec = { name = "bgp", format = "exa" }
}

connector "stdio" "out" {
  codec = { name = "bgp", format = "exa" }
}

connect "told" {
  from = connector.clients
  to   = connector.bgpipe
}

connect "printed" {
  from = connector.clients
  to   = connector.out
}
