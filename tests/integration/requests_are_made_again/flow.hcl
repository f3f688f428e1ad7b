variable "url" {
  type = string
}

connector "file" "in" {
  path  = "in.ndjson"
  mode  = "read"
  codec = "json"
}

connector "http_client" "out" {
  url         = var.url
  codec       = "json"
  concurrency = 1
  retry {
    interval     = "10ms"
    max_interval = "50ms"
    max_retries  = 0
  }
}

connect "send" {
  from = connector.in
  to   = connector.out
}

connector "file" "problems" {
  path  = "problems.ndjson"
  mode  = "write"
  codec = "json"
}

pipeline "problem" {
  map "problem" {
    event = { kind = event.error.kind, message = event.error.message, event = event.event }
  }
}

connect "problems" {
  from = connector.out.err
  via  = [pipeline.problem]
  to   = connector.problems
}
