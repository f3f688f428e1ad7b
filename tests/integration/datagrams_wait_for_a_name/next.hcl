# Messages go out as datagrams, and what is answered is told to all.
variable "to" {
  type = string
}

variable "edge" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.edge
  codec = "json"
}

connector "udp_client" "out" {
  url   = "udp://${var.to}"
  codec = "json"
  queue {
    persistent = "queue"
  }
}

connect "send" {
  from = connector.edge
  to   = connector.out
}

connect "answers" {
  from    = connector.out
  to      = connector.edge
  deliver = "broadcast"
}
