variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

pipeline "together" {
  batch "b" {
    max_events = 100
    max_wait   = "1h"
  }
}

connect "back" {
  from = connector.edge
  via  = [pipeline.together]
  to   = connector.edge
}
