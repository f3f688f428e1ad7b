variable "edge" {
  type = string
}

variable "up" {
  type = string
}

variable "compression" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.edge
  codec = "json"
}

connector "ws_client" "up" {
  url         = var.up
  codec       = "json"
  compression = var.compression
}

connect "there" {
  from = connector.edge
  to   = connector.up
}

connect "back" {
  from    = connector.up
  to      = connector.edge
  deliver = "broadcast"
}
