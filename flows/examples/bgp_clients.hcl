# A BGP session between two routers passes through here, and remote clients take part:
# each hears all that the routers say to each other, and what a client says goes to the
# router that it is for: to the right with "R", to the left with "L". As
#
#   bgpipe \
#     -- connect 192.0.2.1 \
#     -- websocket -LR --copy --listen --cert server.crt --key server.key wss://0.0.0.0:8443/bgp \
#     -- connect 10.0.0.1
#
#   flowrun dial --cafile server.crt wss://localhost:8443/bgp
#
# Without --copy, which is --var copy=false here, the routers are told nothing but what a
# client says: what they say themselves goes to the clients only, who decide what goes on,
# the OPENs and KEEPALIVEs of the session too.

variable "copy" {
  type        = bool
  default     = true
  description = "whether the routers hear each other without the clients' help"
}

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

variable "listen" {
  type        = string
  default     = "wss://0.0.0.0:8443/bgp"
  description = "where clients connect"
}

variable "cert" {
  type        = string
  default     = "server.crt"
  description = "what we show to clients, a PEM file"
}

variable "key" {
  type        = string
  default     = "server.key"
  description = "the private key of cert, a PEM file"
}

connector "tcp_client" "left" {
  url   = var.left
  codec = { name = "bgp", format = "raw", dir = "R" } # what comes from the left goes to the right
}

connector "tcp_client" "right" {
  url   = var.right
  codec = { name = "bgp", format = "raw", dir = "L" }
}

connector "ws_server" "clients" {
  url   = var.listen
  codec = { name = "bgp", format = "json" }
  tls {
    cert = var.cert
    key  = var.key
  }
}

connector "log" "problems" {
  level = "warn"
}

connect "session_to_the_right" {
  from  = connector.left
  where = var.copy
  to    = connector.right
}

connect "session_to_the_left" {
  from  = connector.right
  where = var.copy
  to    = connector.left
}

connect "copy" {
  from        = [connector.left, connector.right]
  to          = connector.clients
  deliver     = "broadcast"
  best_effort = true # a client that reads too slowly is disconnected, and nobody waits for it
}

# Beside the routers, only what changes routes: then no client ends the session.
connect "said_to_the_right" {
  from  = connector.clients
  where = event.dir == "R" && (event.type == "UPDATE" || !var.copy)
  to    = connector.right
}

connect "said_to_the_left" {
  from  = connector.clients
  where = event.dir == "L" && (event.type == "UPDATE" || !var.copy)
  to    = connector.left
}

connect "problems" {
  from = [connector.left.err, connector.right.err, connector.clients.err]
  to   = connector.problems
}
