# A window for each site, which nobody lives to see closing.
variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

pipeline "per_site" {
  window "all" {
    kind     = "tumbling"
    interval = "1h"
    group_by = event.site
    emit     = { site = group, count = count(), all = collect(event.n) }
    origins  = "all"
  }
}

connect "answer" {
  from = connector.edge
  via  = [pipeline.per_site]
  to   = connector.edge
}
