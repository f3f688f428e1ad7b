variable "url" {
  type = string
}

variable "proxy_protocol" {
  type    = bool
  default = false
}

variable "trusted" {
  type = string
}

connector "ws_server" "edge" {
  url             = var.url
  codec           = "json"
  trusted_proxies = [var.trusted]
  proxy_protocol  = var.proxy_protocol
}

pipeline "who" {
  map "who" {
    event = { host = peer.host, port = peer.port, meta = meta.ws_server.peer.host }
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.who]
  to   = connector.edge
}
