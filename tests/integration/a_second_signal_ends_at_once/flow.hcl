variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url           = var.url
  codec         = "json"
  close_timeout = "30s"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
