variable "url" {
  type = string
}

# Whoever watches is told who comes and goes, and what they say, in order.
connector "ws_server" "edge" {
  url              = var.url
  codec            = "json"
  lifecycle_events = true
}

connector "ws_server" "watch" {
  url   = "${var.url}/watch"
  codec = "json"
}

pipeline "tell" {
  map "tell" {
    event = { what = coalesce(meta.ws_server.event, "message"), who = peer.query.name, said = event, code = meta.ws_server.code, reason = meta.ws_server.reason }
  }
}

pipeline "welcome" {
  map "welcome" {
    event = { welcome = peer.query.name }
  }
}

connect "tell" {
  from    = connector.edge
  via     = [pipeline.tell]
  to      = connector.watch
  deliver = "broadcast"
}

connect "welcome" {
  from  = connector.edge
  where = meta.ws_server.event == "open"
  via   = [pipeline.welcome]
  to    = connector.edge
}
