variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url         = var.url
  codec       = "string"
  max_message = "100KiB"
  limits {
    messages_per_second = 100
    bytes_per_second    = "64KiB"
  }
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
