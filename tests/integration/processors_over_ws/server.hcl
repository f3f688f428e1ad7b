# Messages are lines, packed by gzip and spelled in base64, in and out.
variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url            = var.url
  preprocessors  = ["base64", "gzip", "separate"]
  codec          = "json"
  postprocessors = ["separate", "gzip", "base64"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
