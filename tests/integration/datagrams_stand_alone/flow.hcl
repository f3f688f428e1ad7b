# What stands between empty lines of the console goes out as a datagram, and what a server
# finds in it is printed.
variable "address" {
  type = string
}

variable "codec" {
  type = string
}

variable "preprocessors" {
  type    = list(string)
  default = null
}

connector "stdio" "console" {
  preprocessors  = [{ name = "separate", separator = "\n\n" }]
  codec          = "string"
  postprocessors = [{ name = "separate", separator = ";\n" }]
}

connector "udp_client" "out" {
  url   = "udp://${var.address}"
  codec = "string"
}

connector "udp_server" "in" {
  url           = var.address
  preprocessors = var.preprocessors
  codec         = var.codec
}

connector "exit" "end" {}

pipeline "line" {
  map "line" {
    event = jsonencode(event)
  }
}

pipeline "trouble" {
  map "kind" {
    event = "${event.error.kind} ${utf8(event.raw)}"
  }
}

connect "send" {
  from = connector.console
  to   = connector.out
}

connect "show" {
  from = connector.in
  via  = [pipeline.line]
  to   = connector.console
}

connect "trouble" {
  from = connector.in.err
  via  = [pipeline.trouble]
  to   = connector.console
}

# the last one
connect "end" {
  from  = connector.in
  where = event.metric == "last" || event.last
  to    = connector.end
}
