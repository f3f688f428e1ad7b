variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
