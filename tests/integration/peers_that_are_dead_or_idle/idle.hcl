variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url          = var.url
  codec        = "string"
  idle_timeout = "5s"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
