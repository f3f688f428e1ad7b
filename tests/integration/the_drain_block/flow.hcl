variable "url" {
  type = string
}

flow {
  drain {
    timeout = "40s"
    delay   = "6s"
    spread  = "6s"
    code    = 1012
    reason  = "moving house"
    message = jsonencode({ type = "bye" })
  }
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
