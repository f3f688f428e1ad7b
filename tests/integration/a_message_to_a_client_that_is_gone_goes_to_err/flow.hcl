# Clients learn their address, and write to each other by it.
variable "url" {
  type = string
}

variable "lost" {
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

pipeline "address" {
  map "letter" {
    event = event.body
    meta  = { ws_server = { peer = event.to } }
  }
}

connect "who" {
  from  = connector.edge
  where = event.who
  via   = [pipeline.tell]
  to    = connector.edge
}

connect "post" {
  from         = connector.edge
  where        = has(event.to)
  via          = [pipeline.address]
  to           = connector.edge
  on_lost_peer = var.lost
}

# Introduces a client to all others.
connect "introduce" {
  from    = connector.edge
  where   = has(event.iam)
  to      = connector.edge
  deliver = "broadcast"
}

connect "errors" {
  from = [connector.edge.err, pipeline.address.err, pipeline.tell.err]
  to   = connector.errors
}
