# A connector that comes and goes, beside the flow that the clients of Bifrost watch.

variable "up" {
  type = string
}

connector "ws_client" "up" {
  required = false
  url      = var.up
  codec    = "json"
  reconnect {
    interval = "50ms"
  }
}

connector "null" "nobody" {
}

connect "up" {
  from = connector.up
  to   = connector.nobody
}
