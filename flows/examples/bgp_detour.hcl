# A BGP session between two routers makes a detour by a service far away: all that they
# say goes there, in both directions, and on goes what the service sends back. As
#
#   bgpipe \
#     -- connect 192.0.2.1 \
#     -- websocket -LR --retry wss://monitor.example.com/bgp \
#     -- connect 10.0.0.1
#
# While the service is away the routers' messages wait for it, and the session with them:
# when it comes back before their hold time is over (90 s as a rule), they notice nothing.

variable "left" {
  type        = string
  default     = "tcp://192.0.2.1:179"
  description = "one of the routers; they wait for us to connect"
}

variable "right" {
  type        = string
  default     = "tcp://10.0.0.1:179"
  description = "the other router"
}

variable "service" {
  type        = string
  default     = "wss://monitor.example.com/bgp"
  description = "what decides"
}

variable "retry" {
  type        = string
  default     = "1s"
  description = "how long to wait after a loss before the service is tried again; then longer, up to 30s"
}

connector "tcp_client" "left" {
  url   = var.left
  codec = { name = "bgp", format = "raw", dir = "R" } # what comes from the left goes to the right
}

connector "tcp_client" "right" {
  url   = var.right
  codec = { name = "bgp", format = "raw", dir = "L" }
}

connector "ws_client" "service" {
  url   = var.service
  codec = { name = "bgp", format = "json" }
  reconnect {
    interval    = var.retry
    max_retries = 0 # for ever
  }
}

connector "log" "problems" {
  level = "warn"
}

connect "there" {
  from = [connector.left, connector.right]
  to   = connector.service
}

connect "back_to_the_right" {
  from  = connector.service
  where = event.dir == "R"
  to    = connector.right
}

connect "back_to_the_left" {
  from  = connector.service
  where = event.dir == "L"
  to    = connector.left
}

connect "problems" {
  from = [connector.left.err, connector.right.err, connector.service.err]
  to   = connector.problems
}
