# What clients say goes on to a server that is not always there.
variable "url" {
  type = string
}

variable "far" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

connector "ws_client" "far" {
  url   = var.far
  codec = "json"
  queue {
    max_events = 1000
  }
  reconnect {
    interval = "50ms"
  }
}

connect "forward" {
  from = connector.edge
  to   = connector.far
}
