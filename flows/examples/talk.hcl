# Talk to a WebSocket server from a terminal: each line of standard input is
# sent, each line that comes back is printed. Ctrl-C ends it.
#
#   flowrun server run flows/examples/talk.hcl

variable "url" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "the server"
}

connector "stdio" "terminal" {
  codec          = "string"
  preprocessors  = ["separate"]
  postprocessors = ["separate"]
}

connector "ws_client" "server" {
  url            = var.url
  codec          = "string"
  preprocessors  = ["separate"]
  postprocessors = ["separate"]
}

connect "say" {
  from = connector.terminal
  to   = connector.server
}

connect "hear" {
  from = connector.server
  to   = connector.terminal
}
