# Lines of the console go on to a peer.
variable "to" {
  type = string
}

flow {
  drain {
    timeout = "60s"
  }
}

connector "stdio" "console" {
  codec = "json_lines"
}

connector "ws_client" "out" {
  url   = "ws://${var.to}"
  codec = "json"
  queue {
    persistent = "queue"
  }
}

connect "on" {
  from = connector.console
  to   = connector.out
}
