variable "url" {
  type = string
}

variable "carol" {
  type      = string
  sensitive = true
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  auth "basic" {
    credentials      = ["alice:wonderland", var.carol]
    credentials_file = "users.txt"
    realm            = "edge"
  }
}

pipeline "who" {
  map "who" {
    event = { who = peer.claims.sub, sees = keys(peer.headers) }
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.who]
  to   = connector.edge
}
