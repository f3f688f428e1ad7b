variable "url" {
  type = string
}

flow {
  drain {
    timeout = "100s"
  }
}

connector "ws_server" "edge" {
  url           = var.url
  codec         = "json"
  close_timeout = "100s"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
