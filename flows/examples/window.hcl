# Devices send measurements. At the end of each interval, every device that
# contributed to a site gets the site's figures back.
#
#   flowrun server run --var interval=10s flows/examples/window.hcl

variable "url" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where devices connect"
}

variable "interval" {
  type        = string
  default     = "1m"
  description = "how long one window is"
}

connector "ws_server" "devices" {
  url   = var.url
  codec = "json"
}

connector "log" "problems" {
  level = "warn"
}

pipeline "per_site" {
  window "interval" {
    kind     = "tumbling"
    interval = var.interval
    group_by = event.site
    emit = {
      site    = group # what group_by was
      count   = count()
      mean    = avg(event.value)
      p99     = quantile(event.value, 0.99)
      devices = length(distinct(peer.id))
    }
    origins     = "all" # the answer goes to every connection that contributed
    max_groups  = 10000
    max_origins = 100000
  }
}

connect "aggregate" {
  from         = connector.devices
  via          = [pipeline.per_site]
  to           = connector.devices
  on_lost_peer = "drop" # who has left in between gets nothing, and nobody else does
}

connect "errors" {
  from = [connector.devices.err, pipeline.per_site.err]
  to   = connector.problems
}
