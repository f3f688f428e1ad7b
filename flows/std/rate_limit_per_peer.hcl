# Lets each connection send no more than so many events in a time. Events that
# came from no connection are counted together.
flow {
  description = "lets each connection send no more than so many events in a time"
}

variable "rate" {
  type        = number
  description = "events of one connection that pass in the time per"
}

variable "per" {
  type        = string
  default     = "1s"
  description = "the time that rate is about"
}

variable "burst" {
  type        = number
  default     = 0
  description = "events of one connection that pass at once after a pause; 0 for as many as rate says"
}

variable "on_excess" {
  type        = string
  default     = "drop"
  description = "what happens to an event that is too many: \"drop\", \"err\", or \"wait\" to let its sender wait"
}

variable "max_peers" {
  type        = number
  default     = 100000
  description = "connections that are counted at a time"
}

pipeline "limit" {
  throttle "peer" {
    rate      = var.rate
    per       = var.per
    burst     = var.burst
    key       = peer.id
    max_keys  = var.max_peers
    on_excess = var.on_excess
  }
}

input "in" {
  to = pipeline.limit
}

output "out" {
  description = "the events that pass"
  from        = pipeline.limit
}

output "err" {
  description = "with on_excess = \"err\", those that were too many"
  from        = pipeline.limit.err
}
