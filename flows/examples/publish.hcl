# News for all who listen: published by HTTP, heard by WebSocket or as Server-Sent
# Events, all on one port.
#
#   flowrun server run flows/examples/publish.hcl
#   curl -N 'http://127.0.0.1:4242/feed?topics=sports'
#   flowrun dial ws://127.0.0.1:4242/live
#   curl -d '{"score": "2:1"}' http://127.0.0.1:4242/publish/sports
#
# Who publishes is answered 200 when the news have been passed to all, and 400 when
# what he sent is no JSON. In a page, new EventSource("/feed?topics=sports") listens.

variable "address" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where clients connect"
}

connector "http_server" "publish" {
  url    = "http://${var.address}/publish/{topic}"
  routes = ["POST"]
  codec  = "json"
}

connector "ws_server" "live" {
  url   = "ws://${var.address}/live"
  codec = "json"
}

connector "http_server" "feed" {
  url              = "http://${var.address}/feed"
  codec            = "json"
  lifecycle_events = true
  sse {
    heartbeat = "15s"
  }
  topics {
    initial = peer.query.topics == null ? "*" : split(",", peer.query.topics)
    match   = "glob"
    history { # for those who come back
      size = 100
      age  = "1h"
    }
  }
}

pipeline "news" {
  map "news" {
    event = { topic = peer.params.topic, news = event }
    meta = {
      http_server = { sse = { event = "news" } } # EventSource: addEventListener("news", …)
    }
  }
}

connect "live" {
  from    = connector.publish
  via     = [pipeline.news]
  to      = connector.live
  deliver = "broadcast"
}

connect "feed" {
  from    = connector.publish
  via     = [pipeline.news]
  to      = connector.feed
  deliver = "topic"
  topic   = event.topic
}

# The first event of every stream.
pipeline "welcome" {
  map "welcome" {
    event = { type = "connected" }
  }
}

connect "welcome" {
  from  = connector.feed
  where = meta.http_server.event == "open"
  via   = [pipeline.welcome]
  to    = connector.feed
}
