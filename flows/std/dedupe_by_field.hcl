# Drops events that have been there: those whose field, such as an id, is equal to
# that of an earlier one. Events without the field pass.
flow {
  description = "drops events whose field is equal to that of an earlier one"
}

variable "field" {
  type        = string
  default     = "id"
  description = "the field that tells events apart"
}

variable "ttl" {
  type        = string
  default     = "10m"
  description = "how long an event is remembered"
}

variable "max_keys" {
  type        = number
  default     = 100000
  description = "events that are remembered; the oldest is forgotten for one more"
}

pipeline "first" {
  dedupe "field" {
    key      = event[var.field]
    ttl      = var.ttl
    max_keys = var.max_keys
  }
}

input "in" {
  to = pipeline.first
}

output "out" {
  description = "the events that have not been there"
  from        = pipeline.first
}

output "err" {
  from = pipeline.first.err
}
