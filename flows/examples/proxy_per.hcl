# A proxy in front of a server that knows nothing of it: each client has a
# connection of its own to the server behind, and answers go back to that client.
#
#   flowrun server run --var upstream=ws://127.0.0.1:9000 flows/examples/proxy_per.hcl

variable "url" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where clients connect"
}

variable "upstream" {
  type        = string
  default     = "ws://127.0.0.1:9000/"
  description = "the server behind"
}

connector "ws_server" "clients" {
  url   = var.url
  codec = "string" # messages pass as they are
}

connector "ws_client" "upstream" {
  url             = var.upstream
  codec           = "string"
  per             = peer.id # a connection for each key, tied to where its first event came from
  max_connections = 1000
}

connector "log" "problems" {
  level = "warn"
}

connect "requests" {
  from = connector.clients
  to   = connector.upstream
}

connect "answers" {
  from = connector.upstream
  to   = connector.clients
}

connect "errors" {
  from = [connector.clients.err, connector.upstream.err]
  to   = connector.problems
}
