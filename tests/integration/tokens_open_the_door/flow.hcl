variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  auth "token" {
    from        = ["header", "query:token", "cookie:session"]
    tokens      = ["let-me-in"]
    hashes      = { (sha256("alices-key")) = { sub = "alice", plan = "pro" } }
    hashes_file = "keys.json"
  }
}

pipeline "who" {
  map "who" {
    event = { claims = peer.claims, query = peer.query, cookies = peer.cookies }
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.who]
  to   = connector.edge
}
