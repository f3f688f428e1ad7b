# Keeps what went wrong in a file, one JSON object a line: events of err ports,
# with the time at which they came here.
flow {
  description = "keeps what went wrong in a file, as lines of JSON"
}

variable "path" {
  type        = string
  description = "the file; lines are added at its end"
}

connector "file" "store" {
  path           = var.path
  mode           = "append"
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "stamp" {
  map "time" {
    event = merge({ time = now() }, event)
  }
}

connect "keep" {
  from = pipeline.stamp
  to   = connector.store
}

input "in" {
  description = "events of err ports"
  to          = pipeline.stamp
}

output "err" {
  description = "what could not be kept"
  from        = [pipeline.stamp.err, connector.store.err]
}
