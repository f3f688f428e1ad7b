# A BGP session between two routers passes through here, and all that they say to each
# other is also sent to an archive far away, which never holds the session up. As
#
#   export BGP_AUTH="user:s3cret"
#   bgpipe \
#     -- connect 192.0.2.1 \
#     -- websocket --write -LR --auth '$BGP_AUTH' wss://monitor.example.com/bgp \
#     -- connect 10.0.0.1
#
# The session passes as it is, message by message; what the archive says is not heard. For an
# archive that asks for no password, as without --auth, leave the block auth out.

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

variable "archive" {
  type        = string
  default     = "wss://monitor.example.com/bgp"
  description = "where the copy is sent"
}

connector "tcp_client" "left" {
  url   = var.left
  codec = { name = "bgp", format = "raw", dir = "R" } # what comes from the left goes to the right
}

connector "tcp_client" "right" {
  url   = var.right
  codec = { name = "bgp", format = "raw", dir = "L" }
}

connector "ws_client" "archive" {
  url   = var.archive
  codec = { name = "bgp", format = "json" }
  auth "basic" {
    credentials = env("BGP_AUTH") # user:password
  }
  required = false
  queue { # while the archive is away; then the oldest are given up, and counted
    max_events = 10000
    max_bytes  = "16MiB"
    overflow   = "drop_oldest"
  }
}

connector "log" "problems" {
  level = "warn"
}

connect "session_to_the_right" {
  from = connector.left
  to   = connector.right
}

connect "session_to_the_left" {
  from = connector.right
  to   = connector.left
}

connect "copy" {
  from        = [connector.left, connector.right]
  to          = connector.archive
  best_effort = true
}

connect "problems" {
  from = [connector.left.err, connector.right.err, connector.archive.err]
  to   = connector.problems
}
