variable "address" {
  type = string
}

connector "ws_server" "cut" {
  url            = "ws://${var.address}/cut"
  codec          = "json"
  postprocessors = ["separate", { name = "chunk", max_bytes = 8 }]
}

# The time that a message says becomes that of its event, which the codec writes.
connector "ws_server" "dated" {
  url           = "ws://${var.address}/dated"
  preprocessors = ["ingest_time"]
  codec = {
    name        = "json"
    date_key    = "date"
    date_format = "iso8601"
  }
  postprocessors = ["ingest_time"]
}

connector "ws_server" "unpacked" {
  url           = "ws://${var.address}/unpacked"
  preprocessors = [{ name = "decompress", max_size = 32 }]
  codec         = "string"
}

connect "cut" {
  from = connector.cut
  to   = connector.cut
}

connect "dated" {
  from = connector.dated
  to   = connector.dated
}

connect "unpacked" {
  from = connector.unpacked
  to   = connector.unpacked
}

# What is wrong with a message, its sender is told.
pipeline "why" {
  map "why" {
    event = event.error.message
  }
}

connect "why" {
  from = connector.unpacked.err
  via  = [pipeline.why]
  to   = connector.unpacked
}
