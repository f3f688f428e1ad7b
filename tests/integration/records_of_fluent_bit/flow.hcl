# Takes what Fluent Bit's websocket output sends, in its default format, and shows each record as JSON.
variable "url" {
  type = string
}

connector "ws_server" "ingest" {
  url   = "${var.url}/ingest"
  codec = { name = "msgpack", date_key = "date", date_format = "iso8601" }
  utf8  = "lenient" # its text frames are not UTF-8
}

connector "ws_server" "watch" {
  url   = "${var.url}/watch"
  codec = "json"
}

connector "ws_server" "errors" {
  url   = "${var.url}/errors"
  codec = "json"
}

connect "show" {
  from    = connector.ingest
  to      = connector.watch
  deliver = "broadcast"
}

connect "problems" {
  from    = connector.ingest.err
  to      = connector.errors
  deliver = "broadcast"
}
