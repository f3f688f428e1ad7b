variable "url" { type = string }
connector "ws_client" "c" {
  url   = var.url
  codec = "string"
  reconnect { interval = "20ms" }
}
connect "echo" {
  from = connector.c
  to   = connector.c
}
