variable "port" {
  type = number
}

variable "admin" {
  type = number
}

variable "upstream" {
  type    = number
  default = 1
}

variable "max" {
  type    = number
  default = 100
}

flow {
  admin {
    address = "127.0.0.1:${var.admin}"
    tokens  = ["let-me-in", "and-me"]
    events {
      max_clients    = var.max
      read_timeout   = "5s"
      stats_interval = "100ms"
    }
  }
}

connector "ws_server" "edge" {
  max_message = "2MiB"
  url         = "127.0.0.1:${var.port}/"
  codec       = "string"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}

connector "log" "talk" {
  codec = "string"
  level = "debug"
}

connect "talk" {
  where = event != ""
  from  = connector.edge
  to    = connector.talk
}

connector "ws_client" "up" {
  url      = "ws://127.0.0.1:${var.upstream}/"
  codec    = "string"
  required = false
  reconnect {
    interval     = "50ms"
    max_interval = "50ms"
  }
}

connector "null" "nowhere" {
}

connect "answers" {
  from = connector.up
  to   = connector.nowhere
}
