variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url             = var.url
  codec           = "json"
  trusted_proxies = ["127.0.0.0/8"]
  auth "token" {
    tokens = ["a", "b", "c"]
  }
  limits {
    max_connections              = 4
    max_connections_per_ip       = 2
    max_connections_per_identity = 3
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
