variable "url" {
  type = string
}

# Each message stands for itself: half a line is not kept for the next one.
connector "ws_server" "edge" {
  url = var.url
  preprocessors = [{
    name     = "separate"
    buffered = false
  }]
  codec          = "json"
  postprocessors = ["separate"]
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
