# Sends a file, line by line, and writes what comes back. It ends when the
# server does: it reconnects no more then.
variable "url" {
  type = string
}

connector "file" "in" {
  path          = "in.ndjson"
  mode          = "read"
  preprocessors = ["separate"]
  codec         = "json"
}

connector "file" "out" {
  path           = "out.ndjson"
  mode           = "truncate"
  codec          = "json"
  postprocessors = ["separate"]
}

connector "ws_client" "server" {
  url            = var.url
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
  reconnect {
    interval    = "50ms"
    max_retries = 3
  }
}

connector "exit" "exit" {
  delay = "100ms"
}

connect "send" {
  from = connector.in
  to   = connector.server
}

connect "write" {
  from = connector.server
  to   = connector.out
}

connect "stop" {
  from  = connector.server
  where = event == ["last"]
  to    = connector.exit
}
