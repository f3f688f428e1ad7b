variable "address" {
  type = string
}

variable "url" {
  type = string
}

connector "tcp_server" "in" {
  url   = var.address
  codec = "json_lines"
}

connector "http_client" "out" {
  url            = var.url
  codec          = "json_lines"
  concurrency    = 1
  postprocessors = ["separate", { name = "collect", max_bytes = 24, max_wait = "1h" }]
  queue {
    persistent = "queue"
  }
  retry {
    interval     = "10ms"
    max_interval = "100ms"
  }
}

connector "file" "refused" {
  path           = "refused.ndjson"
  mode           = "append"
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "what" {
  map "raw" {
    event = utf8(event.raw)
  }
}

connect "out" {
  from = connector.in
  to   = connector.out
}

connect "refused" {
  from = connector.out.err
  via  = [pipeline.what]
  to   = connector.refused
}
