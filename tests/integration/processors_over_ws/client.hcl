# Sends lines to the server, packed, and keeps what comes back, unpacked.
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
  path  = "out.ndjson"
  mode  = "truncate"
  codec = "json"
}

connector "ws_client" "server" {
  url            = var.url
  preprocessors  = ["base64", "gzip", "separate"]
  codec          = "json"
  postprocessors = ["separate", "gzip", "base64"]
}

connector "exit" "exit" {}

connect "send" {
  from = connector.in
  to   = connector.server
}

connect "keep" {
  from = connector.server
  to   = connector.out
}

connect "stop" {
  from  = connector.server
  where = event.last
  to    = connector.exit
}
