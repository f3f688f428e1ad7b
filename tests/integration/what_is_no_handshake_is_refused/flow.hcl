variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
