# A program that answers three lines and ends. It closes its input before the third
# answer, so that nothing is in the pipe that it will not read.

variable "url" {
  type = string
}

variable "program" {
  type    = string
  default = <<-EOT
    for n in 1 2 3; do
      read -r line || exit 0
      [ $n = 3 ] && exec <&-
      echo "$line"
    done
    exit 3
  EOT
}

variable "restart" {
  type    = string
  default = "always"
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
}

connector "exec" "program" {
  command       = ["sh", "-c", var.program]
  codec         = "string"
  restart       = var.restart
  start_time    = "0s"
  close_timeout = "30s"
  reconnect {
    interval     = "1ms"
    max_interval = "10ms"
  }
}

pipeline "why" {
  map "message" {
    event = "refused: ${event.error.message}"
  }
}

connect "ask" {
  from = connector.edge
  to   = connector.program
}

connect "answer" {
  from    = connector.program
  to      = connector.edge
  deliver = "broadcast"
}

connect "refused" {
  from = connector.program.err
  via  = [pipeline.why]
  to   = connector.edge
}
