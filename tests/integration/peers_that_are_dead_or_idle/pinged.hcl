variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
  ping {
    interval = "200ms"
    timeout  = "5s"
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
