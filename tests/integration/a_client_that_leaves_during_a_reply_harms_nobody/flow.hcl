variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url         = var.url
  codec       = "string"
  max_message = "8MiB"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
