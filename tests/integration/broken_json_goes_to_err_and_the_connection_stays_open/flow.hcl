variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

connector "file" "errors" {
  path  = "errors.ndjson"
  mode  = "truncate"
  codec = "json"
}

pipeline "tell" {
  map "self" {
    event = { id = peer.id, host = peer.host, port = peer.port }
  }
}

connect "who" {
  from  = connector.edge
  where = event.who
  via   = [pipeline.tell]
  to    = connector.edge
}

connect "echo" {
  from  = connector.edge
  where = !event.who
  to    = connector.edge
}

connect "errors" {
  from = connector.edge.err
  to   = [connector.errors, connector.edge] # who sent it is told, too
}
