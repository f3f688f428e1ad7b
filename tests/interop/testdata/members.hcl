# Members only, each with one connection, and a way to be sent away.
variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url          = var.url
  codec        = "json"
  origins      = ["https://*.example.org"]
  subprotocols = ["chat"]
  reject       = "message"
  tls {
    cert = "edge.cert"
    key  = "edge.key"
  }
  auth "token" {
    from = ["subprotocol", "cookie:key"] # pages have no other place for it, but the query
    hashes = {
      (sha256("ada-key")) = { sub = "ada" }
      (sha256("bob-key")) = { sub = "bob" }
    }
  }
  sessions {
    key         = peer.claims.sub
    on_conflict = "replace"
  }
  app_ping {}
}

pipeline "answer" {
  map "who" {
    event = {
      sub     = peer.claims.sub
      offered = peer.headers["sec-websocket-protocol"]
      key     = peer.cookies.key
    }
    meta = {
      ws_server = { close = event.leave }
    }
  }
}

connect "answer" {
  from = connector.edge
  via  = [pipeline.answer]
  to   = connector.edge
}
