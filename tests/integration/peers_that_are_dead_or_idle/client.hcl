# Keeps what it hears. A server from which nothing comes is asked anew.
variable "url" {
  type = string
}

connector "ws_client" "far" {
  url          = var.url
  codec        = "json"
  idle_timeout = "5s"
  reconnect {
    interval = "10ms"
  }
}

connector "file" "heard" {
  path  = "heard.ndjson"
  mode  = "truncate"
  codec = "json"
}

connect "keep" {
  from = connector.far
  to   = connector.heard
}
