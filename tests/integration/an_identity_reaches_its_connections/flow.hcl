variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  sessions {
    key         = peer.query.user
    max_per_key = 3
  }
}

connect "direct" {
  from         = connector.edge
  to           = connector.edge
  deliver      = "identity"
  identity     = event.to
  on_lost_peer = "err"
}

connect "nobody" {
  from = connector.edge.err
  to   = connector.edge
}
