variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
  topics {
    subscribe = event.join
    match     = "glob"
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
