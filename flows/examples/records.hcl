# The server that Fluent Bit's websocket output talks to, in any of its formats: every
# record is an event, with its time under "date", and printed as a line of JSON.
#
#   flowrun server run flows/examples/records.hcl --var format=json
#   fluent-bit -i cpu -o websocket://127.0.0.1:9000/ -p format=json -m '*'
#
# Fluent Bit sends a frame for each chunk of records, up to 4 MB, as text whatever is in
# it. It reads nothing, neither pings nor close frames, and goes on without a handshake
# when its connection was closed.
#
# Told format=gelf, its websocket output logs an "unrecognized 'format' option" and sends
# msgpack: then msgpack is the format to name here. gelf is for others who send it.

variable "address" {
  type        = string
  default     = "127.0.0.1:9000"
  description = "where Fluent Bit connects"
}

variable "format" {
  type        = string
  default     = "msgpack"
  description = "what comes: msgpack, json, json_stream, json_lines or gelf"
  validation {
    condition     = contains(keys(local.codecs), var.format)
    error_message = "format is one of msgpack, json, json_stream, json_lines and gelf."
  }
}

locals {
  codecs = {
    msgpack     = { name = "msgpack", date_key = "date", date_format = "double" }
    json        = "json"
    json_stream = "json"
    json_lines  = "json"
    gelf        = "gelf"
  }
  borders = { # of records in a frame
    msgpack     = ["msgpack_stream"]
    json        = [] # a frame is a list of them
    json_stream = ["json_stream"]
    json_lines  = ["separate"]
    gelf        = []
  }
}

connector "ws_server" "in" {
  url            = "ws://${var.address}/"
  preprocessors  = local.borders[var.format]
  codec          = local.codecs[var.format]
  utf8           = "lenient" # msgpack comes as text
  max_message    = "16MiB"
  close_timeout  = "0s"
  adopt_headless = true
}

connector "stdio" "out" {
  codec = "json_lines"
}

connector "log" "problems" {
  level = "warn"
}

pipeline "records" {
  split "each" {
    over      = type(event) == "list" ? event : [event]
    max_items = 1000000 # more than a chunk holds
  }
}

connect "print" {
  from = connector.in
  via  = [pipeline.records]
  to   = connector.out
}

connect "problems" {
  from = [connector.in.err, pipeline.records.err]
  to   = connector.problems
}
