# A WebSocket server that sends each line back to whoever sent it.
#
#   flowrun server run flows/examples/echo.hcl

variable "url" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where to listen"
}

connector "ws_server" "edge" {
  url            = var.url
  preprocessors  = ["separate"] # a frame may hold several lines, a line may span frames
  codec          = "json"       # each line is one JSON value: one event
  postprocessors = ["separate"] # a newline after each event on its way out
}

connect "echo" {
  from = connector.edge
  to   = connector.edge # a reply: to the connection that the event came from
}
