variable "url" {
  type = string
}

connector "ws_client" "far" {
  url   = var.url
  codec = "json"
  ping {
    interval = "200ms"
    timeout  = "5s"
  }
  reconnect {
    interval = "10ms"
  }
}

connect "nowhere" {
  from = connector.far
  to   = connector.far
}
