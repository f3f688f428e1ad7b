# What comes from clients goes on to a peer that is hung.
variable "address" {
  type = string
}

variable "to" {
  type = string
}

flow {
  drain {
    timeout = "60s"
  }
}

connector "ws_server" "in" {
  url   = var.address
  codec = "json"
}

connector "http_client" "out" {
  url     = "http://${var.to}"
  codec   = "json"
  timeout = "60s"
  queue {
    persistent = "queue"
  }
}

connect "on" {
  from = connector.in
  to   = connector.out
}
