variable "url" {
  type = string
}

connector "ws_client" "far" {
  url   = var.url
  codec = "string"
  app_ping {
    request  = "are you there"
    reply    = "yes"
    interval = "50ms"
  }
}

connector "file" "heard" {
  path  = "heard.txt"
  mode  = "truncate"
  codec = "string"
}

connect "keep" {
  from = connector.far
  to   = connector.heard
}
