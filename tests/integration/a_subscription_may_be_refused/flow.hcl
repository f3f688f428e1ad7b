variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  topics {
    subscribe          = event.join
    allow              = !startswith(topic, "private.") || topic == "private.${peer.query.user}"
    max_per_connection = 2
    max_length         = "20B"
  }
}

connect "answer" {
  from  = connector.edge
  where = has(event.join)
  to    = connector.edge
}

connect "publish" {
  from    = connector.edge
  where   = has(event.to)
  to      = connector.edge
  deliver = "topic"
  topic   = event.to
}

connect "refused" {
  from = connector.edge.err
  to   = connector.edge
}
