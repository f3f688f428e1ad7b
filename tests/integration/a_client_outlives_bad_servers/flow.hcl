variable "upstream" {
  type = string
}

connector "ws_client" "feed" {
  url             = var.upstream
  codec           = "json"
  max_message     = "64KiB"
  connect_timeout = "5s"
  reconnect {
    interval     = "5ms"
    max_interval = "20ms"
  }
}

connector "file" "heard" {
  path  = "heard.ndjson"
  mode  = "truncate"
  codec = "json"
}

connect "keep" {
  from = connector.feed
  to   = connector.heard
}
