variable "address" {
  type = string
}

variable "url" {
  type = string
}

variable "max_wait" {
  type    = string
  default = "1h"
}

connector "tcp_server" "in" {
  url   = var.address
  codec = "json_lines"
}

connector "ws_client" "out" {
  url            = var.url
  codec          = "json_lines"
  postprocessors = ["separate", { name = "collect", max_bytes = 24, max_wait = var.max_wait }]
}

connect "out" {
  from = connector.in
  to   = connector.out
}
