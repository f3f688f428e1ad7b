# One authenticated upstream feed, broadcast to many browsers.
variable "feed" {
  type = string
}

variable "feed_token" {
  type      = string
  sensitive = true # never printed: redacted in logs, errors, taps and pages
}

variable "url" {
  type = string
}

variable "secret" {
  type      = string
  sensitive = true
}

locals {
  region_by_host = { rrc00 = "ams", rrc11 = "nyc" }
}

connector "ws_client" "feed" {
  url     = var.feed
  codec   = "json"
  headers = { Authorization = "Bearer ${var.feed_token}" }
  on_open = [jsonencode({ type = "subscribe", data = { host = "rrc00" } })] # after every reconnect too
  reconnect {
    interval     = "10ms"
    max_interval = "100ms"
  }
}

connector "ws_server" "edge" {
  url             = var.url
  codec           = "json"
  subprotocols    = ["feed.v1.json"]
  origins         = ["https://*.example.org"]
  trusted_proxies = ["127.0.0.0/8"] # only these may say who the client is
  auth "jwt" {
    secret   = var.secret
    audience = "live"
    from     = ["header", "query:access_token"]
  }
  limits {
    max_connections        = 50000
    max_connections_per_ip = 2
    messages_per_second    = 20
  }
  queue {
    max_bytes = "1MiB"
    overflow  = "disconnect"
  }
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
      region = lookup(local.region_by_host, event.data.host, "other")
    }
  }
}

connect "live" {
  from    = connector.feed
  via     = [pipeline.slim]
  to      = connector.edge
  deliver = "broadcast"
}

connect "errors" {
  from = [connector.feed.err, connector.edge.err, pipeline.slim.err]
  to   = connector.problems
}
