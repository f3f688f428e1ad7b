variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url         = var.url
  codec       = "json"
  max_message = "128KiB"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
