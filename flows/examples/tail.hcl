# A log file, line by line, to all WebSocket clients that listen, as `tail -F` has it.
#
#   flowrun server run --var log=/var/log/syslog flows/examples/tail.hcl
#   flowrun dial ws://127.0.0.1:4242/
#
# The file may be rotated, and need not be there yet. After a restart, or a crash, the
# flow goes on where it was.

variable "log" {
  type        = string
  default     = "service.log"
  description = "the file, relative to this flow; or a pattern, like logs/*.log"
}

variable "url" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where listeners connect"
}

connector "file" "log" {
  path     = var.log
  mode     = "read"
  follow   = true
  start    = "end" # what stood there before is no news
  position = "tail.position"
  codec    = "string"
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

pipeline "lines" {
  map "line" {
    event = { file = peer.path, line = event, at = timestamp() }
  }
}

connect "live" {
  from    = connector.log
  via     = [pipeline.lines]
  to      = connector.edge
  deliver = "broadcast"
}
