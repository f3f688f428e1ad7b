variable "url" {
  type = string
}

# A client says how it wants to be closed, and whether that is for all.
connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

pipeline "close" {
  map "close" {
    event = { bye = event.n }
    meta  = { ws_server = { close = event.close } }
  }
}

connect "answer" {
  from  = connector.edge
  where = has(event.close) && event.all == null
  via   = [pipeline.close]
  to    = connector.edge
}

connect "all" {
  from    = connector.edge
  where   = event.all
  via     = [pipeline.close]
  to      = connector.edge
  deliver = "broadcast"
}

connect "wrong" {
  from = connector.edge.err
  to   = connector.edge
}
