variable "port" {
  type = number
}

connector "ws_server" "edge" {
  url     = "127.0.0.1:${var.port}/"
  headers = { X-Edition = "next" }
  codec   = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}

connector "events" "happens" {
  types = ["backend.health", "stats.update", "config.reload"]
}

connector "logs" "journal" {
  level = "debug"
}

connector "metrics" "figures" {
  interval = "50ms"
}

connector "ws_server" "api" {
  url     = "127.0.0.1:${var.port}/api"
  codec   = "json"
  origins = ["self"]
}

connect "tell" {
  from    = [connector.happens, connector.journal, connector.figures]
  to      = connector.api
  deliver = "broadcast"
}

# Two that would tell each other what they have told.
connector "logs" "one" {
}

connector "log" "first" {
}

connect "one" {
  from = connector.one
  to   = connector.first
}

connector "logs" "two" {
}

connector "log" "second" {
}

connect "two" {
  from = connector.two
  to   = connector.second
}
