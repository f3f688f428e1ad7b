variable "url" {
  type = string
}

variable "keys" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  auth "jwt" {
    jwks_url      = var.keys
    jwks_cooldown = "10ms"
    audience      = "live"
  }
}

pipeline "who" {
  map "who" {
    event = peer.claims.sub
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.who]
  to   = connector.edge
}
