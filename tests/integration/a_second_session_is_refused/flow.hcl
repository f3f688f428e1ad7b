variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  sessions {
    key         = peer.query.key
    max_per_key = 2
    on_conflict = "reject"
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}

# The same for clients that see no status: a last message, and a cut.
connector "ws_server" "told" {
  url   = "${var.url}/told"
  codec = "json"
  sessions {
    key = peer.query.key
  }
  reject         = "message"
  reject_message = jsonencode({ error = message })
  reject_close   = "abort"
}

pipeline "close" {
  map "close" {
    event = event
    meta  = { ws_server = { close = event.close } }
  }
}

connect "told" {
  from = connector.told
  via  = [pipeline.close]
  to   = connector.told
}
