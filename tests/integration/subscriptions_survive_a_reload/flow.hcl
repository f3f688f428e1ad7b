variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  topics {
    subscribe = event.join
    history {
      size = 1
    }
  }
  sessions {
    key = peer.query.key
  }
}

connector "metronome" "clock" {
  interval = "20ms"
}

pipeline "tell" {
  map "tell" {
    event = { version = 1 }
  }
}

connect "tell" {
  from    = connector.clock
  via     = [pipeline.tell]
  to      = connector.edge
  deliver = "topic"
  topic   = "news"
}

connect "log" {
  from = connector.edge
  to   = connector.edge
}
