variable "url" {
  type = string
}

flow {
  drain {
    timeout = "25s" # 8 MiB are much for a machine that is slow
  }
}

connector "ws_server" "edge" {
  url         = var.url
  codec       = "string"
  max_message = "8MiB"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
