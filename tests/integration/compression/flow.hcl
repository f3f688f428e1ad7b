variable "url" {
  type = string
}

variable "compression" {
  type = string
}

connector "ws_server" "edge" {
  url         = var.url
  codec       = "json"
  compression = var.compression
  max_message = "64KiB"
}

connect "all" {
  from    = connector.edge
  to      = connector.edge
  deliver = "broadcast"
}
