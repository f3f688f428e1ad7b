variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

# To every client, the one that said it too.
connect "all" {
  from    = connector.edge
  to      = connector.edge
  deliver = "broadcast"
}
