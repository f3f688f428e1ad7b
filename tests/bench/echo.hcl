# What is measured: WebSocket echo of newline-delimited JSON.
variable "url" {
  type    = string
  default = "127.0.0.1:0"
}

connector "ws_server" "edge" {
  url            = var.url
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
