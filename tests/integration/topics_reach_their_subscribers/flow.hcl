variable "url" {
  type = string
}

# A client says {"join": topic} or {"leave": topic}, and is answered; what else it says is
# published under the topics that it names.
connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  topics {
    initial     = peer.query.topic
    subscribe   = event.join
    unsubscribe = event.leave
  }
}

pipeline "answer" {
  map "answer" {
    event = { ok = coalesce(event.join, event.leave) }
  }
}

connect "answer" {
  from  = connector.edge
  where = event.join != null || event.leave != null
  via   = [pipeline.answer]
  to    = connector.edge
}

connect "publish" {
  from    = connector.edge
  where   = has(event.to)
  to      = connector.edge
  deliver = "topic"
  topic   = event.to
}

connect "wrong" {
  from = connector.edge.err
  to   = connector.edge
}
