# What `fluent-bit -i cpu -o websocket://127.0.0.1:9000/ -p format=json` does: how busy this
# machine is goes to a WebSocket server, every second, a record in each frame.
#
#   flowrun server run flows/examples/figures.hcl --var url=ws://127.0.0.1:9000/ --var format=json
#
# Without a format, Fluent Bit takes msgpack.
#
# Figures are worth something at their time only: while the server is away, the oldest go.

variable "url" {
  type        = string
  default     = "ws://127.0.0.1:9000/"
  description = "the WebSocket server"
}

variable "format" {
  type        = string
  default     = "json"
  description = "msgpack, json (a list of one record), json_stream or json_lines"
  validation {
    condition     = contains(keys(local.formats), var.format)
    error_message = "format is one of msgpack, json, json_stream and json_lines."
  }
}

locals {
  formats = {
    msgpack     = "msgpack"
    json        = "json"
    json_stream = "json"
    json_lines  = "json_lines"
  }
}

connector "host" "cpu" {
  interval = "1s"
}

connector "ws_client" "out" {
  url          = var.url
  codec        = { name = local.formats[var.format], date_key = "date" }
  idle_timeout = "20s"
  queue {
    max_events = 60
    overflow   = "drop_oldest"
  }
}

pipeline "records" {
  map "list" {
    event = var.format == "json" ? [event] : event
  }
}

connect "send" {
  from = connector.cpu
  via  = [pipeline.records]
  to   = connector.out
}
