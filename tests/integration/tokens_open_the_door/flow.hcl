variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url          = var.url
  codec        = "json"
  subprotocols = ["feed.v1"]
  auth "token" {
    from        = ["header", "query:token", "cookie:session", "subprotocol"]
    tokens      = ["let-me-in"]
    hashes      = { (sha256("alices-key")) = { sub = "alice", plan = "pro" } }
    hashes_file = "keys.json"
  }
}

pipeline "who" {
  map "who" {
    event = { claims = peer.claims, query = peer.query, cookies = peer.cookies, subprotocol = peer.subprotocol, offered = lookup(peer.headers, "sec-websocket-protocol", null) }
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.who]
  to   = connector.edge
}
