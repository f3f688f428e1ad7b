variable "port" {
  type = number
}

connector "ws_server" "edge" {
  url   = "127.0.0.1:${var.port}"
  codec = "json"
}

pipeline "better" {
  map "it" {
    event = { better = event }
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.better]
  to   = connector.edge
}
