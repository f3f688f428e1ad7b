variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  sessions {
    key         = peer.query.key
    max_per_key = 2
    on_conflict = "replace"
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
