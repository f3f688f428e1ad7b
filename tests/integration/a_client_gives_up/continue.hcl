variable "upstream" {
  type = string
}

variable "url" {
  type = string
}

connector "ws_client" "feed" {
  url        = var.upstream
  codec      = "json"
  on_failure = "continue"
  reconnect {
    interval    = "5ms"
    max_retries = 3
  }
}

connector "null" "nowhere" {}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

connect "drop" {
  from = connector.feed
  to   = connector.nowhere
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
