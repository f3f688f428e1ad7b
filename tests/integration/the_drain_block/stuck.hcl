variable "url" {
  type = string
}

variable "nowhere" {
  type = string
}

flow {
  drain {
    timeout = "300ms"
  }
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

connector "ws_client" "up" {
  url   = var.nowhere
  codec = "json"
}

connect "there" {
  from = connector.edge
  to   = connector.up
}
