variable "url" {
  type = string
}

connector "ws_client" "far" {
  url   = var.url
  codec = "json"
  tls {
    insecure = true
  }
  reconnect {
    interval = "10ms"
  }
}

connector "stdio" "console" {
  codec = "json"
}

connect "show" {
  from = connector.far
  to   = connector.console
}
