variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

pipeline "count" {
  window "all" {
    kind = "tumbling"
    size = 30
    emit = { count = count(), sum = sum(event.n) }
  }
}

connect "answer" {
  from = connector.edge
  via  = [pipeline.count]
  to   = connector.edge
}
