variable "address" {
  type = string
}

variable "behind" {
  type = string
}

connector "ws_server" "clients" {
  url   = var.address
  codec = "json"
}

connector "http_client" "behind" {
  url   = "http://${var.behind}/"
  codec = "json"
}

connect "questions" {
  from = connector.clients
  to   = connector.behind
}

connect "answers" {
  from = connector.behind
  to   = connector.clients
}

variable "more" {
  type = string
}

locals {
  unused = var.more
}
