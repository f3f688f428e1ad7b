# Lines of the console go out as datagrams.
variable "to" {
  type = string
}

connector "stdio" "console" {
  codec = "json_lines"
}

connector "udp_client" "out" {
  url             = "udp://${var.to}"
  codec           = "json"
  connect_timeout = "1s"
  queue {
    persistent = "queue"
  }
}

connect "send" {
  from = connector.console
  to   = connector.out
}
