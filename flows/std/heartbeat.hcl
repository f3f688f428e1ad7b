# Sends the same message again and again, for connections that something on the
# way would close when nothing is said on them:
#
#   connect "alive" {
#     from    = module.heartbeat
#     to      = connector.edge
#     deliver = "broadcast"
#   }
flow {
  description = "sends the same message again and again"
}

variable "interval" {
  type        = string
  default     = "25s"
  description = "the time from one message to the next"
}

variable "message" {
  default     = { type = "heartbeat" }
  description = "what is sent: a string, an object, …"
}

connector "metronome" "clock" {
  interval = var.interval
  event    = jsonencode(var.message)
}

output "out" {
  from = connector.clock
}

output "err" {
  from = connector.clock.err
}
