# Tells each client what the flow sees of it.
variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

pipeline "tell" {
  map "tell" {
    event = { meta = meta, query = peer.query, cookies = peer.cookies }
  }
}

connect "tell" {
  from = connector.edge
  via  = [pipeline.tell]
  to   = connector.edge
}
