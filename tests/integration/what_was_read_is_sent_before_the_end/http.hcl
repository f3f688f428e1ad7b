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

connector "http_client" "out" {
  url         = "http://${var.to}"
  codec       = "json"
  concurrency = 1
  retry {
    interval = "10ms"
  }
  queue {
    persistent = "questions"
  }
}

connect "on" {
  from = connector.console
  to   = connector.out
}
