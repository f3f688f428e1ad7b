# The first life answers one line; those that come later fail at once.

variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
}

connector "exec" "program" {
  command       = ["sh", "-c", "[ -e tried ] && exit 4; touch tried; read -r line; exec <&-; echo $line; exit 3"]
  codec         = "string"
  start_time    = "1s" # it fails before
  close_timeout = "30s"
  on_failure    = "continue"
  reconnect {
    interval    = "1ms"
    max_retries = 2
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
