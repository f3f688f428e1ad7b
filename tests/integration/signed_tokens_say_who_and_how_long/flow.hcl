variable "url" {
  type = string
}

variable "secret" {
  type      = string
  sensitive = true
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  auth "jwt" {
    secret   = var.secret
    issuer   = "id.example.org"
    audience = "live"
    leeway   = "0s"
    from     = ["header", "query:access_token"]
  }
}

pipeline "who" {
  filter "admins" {
    where = peer.claims.role == "admin"
  }
  map "who" {
    event = { who = peer.claims.sub, query = peer.query }
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.who]
  to   = connector.edge
}
