variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
  app_ping {}
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
