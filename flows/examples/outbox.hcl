# Nothing that is posted here is lost: it is answered when it is on the disk, and posted on
# when the service behind takes it, in order, although that, this process or the machine
# was away meanwhile. What the service refuses for good is written to a file.
#
#   flowrun server run flows/examples/outbox.hcl --var service=http://127.0.0.1:8080/orders
#   curl -d '{"order": 7}' http://127.0.0.1:4242/

variable "address" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where records come in"
}

variable "service" {
  type        = string
  default     = "http://127.0.0.1:8080/"
  description = "URL to post them to"
}

variable "queue" {
  type        = string
  default     = "outbox"
  description = "a directory of the queue's own"
}

variable "refused" {
  type        = string
  default     = "refused.ndjson"
  description = "file of what the service does not want, and why"
}

connector "http_server" "in" {
  url   = var.address
  codec = "json"
}

connector "http_client" "service" {
  url         = var.service
  codec       = "json"
  concurrency = 1 # the next one when this one is answered
  queue {
    persistent = var.queue
  }
  retry {
    interval     = "100ms"
    max_interval = "10s"
  }
}

connector "file" "refused" {
  path           = var.refused
  mode           = "append"
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "why" {
  map "record" {
    event = { why = event.error.message, record = jsondecode(utf8(event.raw)) }
  }
}

connect "out" {
  from = connector.in
  to   = connector.service
}

connect "refused" {
  from = connector.service.err
  via  = [pipeline.why]
  to   = connector.refused
}
