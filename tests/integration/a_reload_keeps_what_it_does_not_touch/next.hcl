variable "port" {
  type = number
}

connector "ws_server" "edge" {
  url   = "127.0.0.1:${var.port}/edge"
  codec = "json"
}

connector "ws_server" "side" {
  url     = "127.0.0.1:${var.port}/side"
  headers = { X-Edition = "2" }
  codec   = "json"
}

pipeline "three" {
  batch "of" {
    max_events = 3
    max_wait   = "1h"
  }
}

connect "collect" {
  from = connector.edge
  via  = [pipeline.three]
  to   = connector.edge
}

connect "beside" {
  from = connector.side
  to   = connector.side
}

# One more edge from what is not touched.
connect "first" {
  from  = connector.edge
  where = event.n == 2
  to    = connector.edge
}
