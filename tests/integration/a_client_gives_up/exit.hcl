variable "upstream" {
  type = string
}

connector "ws_client" "feed" {
  url        = var.upstream
  codec      = "json"
  on_failure = "exit"
  reconnect {
    interval    = "5ms"
    max_retries = 3
  }
}

connector "null" "nowhere" {}

connect "drop" {
  from = connector.feed
  to   = connector.nowhere
}
