variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
}

connector "exec" "program" {
  command    = ["sh", "-c", "[ -e tried ] && exec cat; touch tried; echo not yet >&2; exit $CODE"]
  env        = { CODE = "7" }
  codec      = "string"
  start_time = "1s" # it fails before
  reconnect {
    interval = "100ms"
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
