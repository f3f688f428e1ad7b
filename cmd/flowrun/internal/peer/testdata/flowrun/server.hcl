variable "url" { type = string }
connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
  max_message = "64KiB"
  connect_timeout = "2s"
}
connect "echo" {
  from = connector.edge
  to   = connector.edge
}
