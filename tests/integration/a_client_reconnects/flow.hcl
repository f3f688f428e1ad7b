# Sends what it hears from one peer to another.
variable "url" {
  type = string
}

connector "ws_client" "far" {
  url   = var.url
  codec = "json"
  reconnect {
    interval = "50ms"
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
