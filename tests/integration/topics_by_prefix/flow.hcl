variable "url" {
  type = string
}

# A client listens to the prefixes in its query, and gets every update that touches one of
# them: that is of a prefix which contains it, or which it contains.
connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  topics {
    initial = split(",", coalesce(peer.query.prefixes, "192.0.2.255"))
    match   = "cidr"
  }
}

connect "updates" {
  from    = connector.edge
  to      = connector.edge
  deliver = "topic"
  topic   = event.prefixes
}

connect "wrong" {
  from = connector.edge.err
  to   = connector.edge
}
