variable "url" {
  type    = string
  default = "127.0.0.1:4242"
}

variable "compression" {
  type    = string
  default = "off"
}

connector "ws_server" "edge" {
  url            = var.url
  compression    = var.compression
  preprocessors  = ["separate"] # one frame may hold several lines, a line may span frames
  codec          = "json"
  postprocessors = ["separate"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge # deliver = "reply" is the default: back to the connection it came from
}
