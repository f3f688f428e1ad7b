# A station for the BGP monitoring protocol (RFC 7854): routers connect by TCP and report
# the updates that they hear. Each is told to all WebSocket clients, in OpenBMP's format,
# with the router's address and the collector's name.
#
#   flowrun server run --var collector=rv2 flows/examples/bgp_station.hcl
#   flowrun dial ws://127.0.0.1:4242/updates

variable "listen" {
  type        = string
  default     = "tcp://127.0.0.1:11019"
  description = "where routers connect"
}

variable "url" {
  type        = string
  default     = "ws://127.0.0.1:4242/updates"
  description = "where clients connect"
}

variable "collector" {
  type        = string
  default     = "flowrun"
  description = "who reports"
}

connector "tcp_server" "routers" {
  url   = var.listen
  codec = { name = "bgp", format = "bmp" } # the messages tell how long they are
}

connector "ws_server" "clients" {
  url   = var.url
  codec = { name = "bgp", format = "obmp" }
}

connector "log" "problems" {
  level = "warn"
}

pipeline "label" {
  map "label" {
    event = merge(event, { tags = merge(event.tags, { COLLECTOR = var.collector, ROUTER = peer.host }) })
  }
}

connect "updates" {
  from    = connector.routers
  via     = [pipeline.label]
  to      = connector.clients
  deliver = "broadcast"
}

connect "problems" {
  from = [connector.routers.err, connector.clients.err]
  to   = connector.problems
}
