# What Fluent Bit's websocket output does with its tcp input: JSON records that come over
# TCP leave by one WebSocket, in the format that its server wants, each with the time at
# which it came.
#
#   flowrun server run flows/examples/forward.hcl --var url=ws://127.0.0.1:9000/ --var format=json_lines
#   echo '{"key 1": 123456789, "key 2": "abcdefg"}' | nc -N 127.0.0.1 5170
#
# Records may stand one a line, behind one another or pretty-printed; one that is broken
# costs only itself. They wait while the server is away.

variable "address" {
  type        = string
  default     = "127.0.0.1:5170"
  description = "where records come in"
}

variable "url" {
  type        = string
  default     = "ws://127.0.0.1:9000/"
  description = "the WebSocket server"
}

variable "format" {
  type        = string
  default     = "json"
  description = "msgpack, json, json_stream, json_lines or gelf"
  validation {
    condition     = contains(keys(local.formats), var.format)
    error_message = "format is one of msgpack, json, json_stream, json_lines and gelf."
  }
}

variable "wait" {
  type        = string
  default     = "1s"
  description = "for how long records are gathered for a frame"
}

locals {
  formats = {
    msgpack     = { name = "msgpack", date_key = "date" }
    json        = { name = "json", date_key = "date", date_format = "double" }
    json_stream = { name = "json", date_key = "date", date_format = "iso8601" }
    json_lines  = { name = "json_lines", date_key = "date", date_format = "epoch_ms" }
    gelf        = { name = "gelf", host = node.name, short_message_key = "log" }
  }
  # A frame holds several records, but for gelf: as one list, or one behind the other.
  list    = var.format == "msgpack" || var.format == "json"
  collect = { name = "collect", max_bytes = "2MB", max_wait = var.wait }
  behind = {
    json_stream = [local.collect]
    json_lines  = ["separate", local.collect]
  }
}

connector "tcp_server" "in" {
  url           = var.address
  preprocessors = ["json_stream"]
  codec         = "json"
}

connector "ws_client" "out" {
  url            = var.url
  codec          = local.formats[var.format]
  postprocessors = lookup(local.behind, var.format, [])
  idle_timeout   = "20s" # connections that are silent for longer may have died on their way
  queue {
    max_events = 100000
    max_bytes  = "64MiB"
    overflow   = "block"
  }
  reconnect {
    interval     = "500ms"
    max_interval = "10s"
  }
}

connector "log" "problems" {
  level = "warn"
}

# A list has one time, so each record takes its own along.
pipeline "second" {
  map "dated" {
    event = type(event) == "object" ? merge({ date = epoch_ms() / 1000 }, event) : event
  }
  batch "records" {
    max_events = 1000
    max_wait   = var.wait
  }
}

connect "lists" {
  from  = connector.in
  where = local.list
  via   = [pipeline.second]
  to    = connector.out
}

connect "each" {
  from  = connector.in
  where = !local.list
  to    = connector.out
}

connect "problems" {
  from = [connector.in.err, connector.out.err]
  to   = connector.problems
}
