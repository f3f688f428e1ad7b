# One upstream feed, slimmed down and broadcast to all who listen.
#
#   flowrun server run --var feed=wss://feed.example.net/v1/ws flows/examples/fanout.hcl

variable "feed" {
  type        = string
  default     = "ws://127.0.0.1:9000/"
  description = "the feed to read"
}

variable "url" {
  type        = string
  default     = "ws://127.0.0.1:4242/live"
  description = "where listeners connect"
}

locals {
  region_by_host = { rrc00 = "ams", rrc11 = "nyc" }
}

connector "ws_client" "feed" {
  url     = var.feed
  codec   = "json"
  on_open = [jsonencode({ type = "subscribe" })] # after every reconnect too
  reconnect {
    interval     = "500ms"
    max_interval = "30s"
  }
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

connector "log" "problems" {
  level = "warn"
}

pipeline "slim" {
  filter "messages" {
    where = event.type == "message"
  }
  map "shape" {
    event = {
      ts     = event.data.timestamp
      peer   = event.data.peer
      region = lookup(local.region_by_host, event.data.host, "other") # computed once, at the start
    }
  }
}

connect "live" {
  from    = connector.feed
  via     = [pipeline.slim]
  to      = connector.edge
  deliver = "broadcast" # to every open connection; without it, a reply that has nowhere to go
}

connect "errors" {
  from = [connector.feed.err, connector.edge.err, pipeline.slim.err]
  to   = connector.problems
}
