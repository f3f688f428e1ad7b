# Many clients, one connection to the server behind: each request carries the id
# of the client that it is from, and by that id the answer finds its way back.
#
#   flowrun server run --var upstream=ws://127.0.0.1:9000 flows/examples/proxy.hcl

variable "url" {
  type        = string
  default     = "127.0.0.1:4242"
  description = "where clients connect"
}

variable "upstream" {
  type        = string
  default     = "ws://127.0.0.1:9000/"
  description = "the server behind; it sends back the field client as it came"
}

connector "ws_server" "clients" {
  url   = var.url
  codec = "json"
}

connector "ws_client" "upstream" {
  url   = var.upstream
  codec = "json"
}

connector "log" "problems" {
  level = "warn"
}

pipeline "label" {
  map "request" {
    event = { client = peer.id, body = event }
  }
}

pipeline "address" {
  map "answer" {
    event = event.body
    meta = {
      ws_server = { peer = { id = event.client } } # what the flow writes here chooses the connection
    }
  }
}

connect "requests" {
  from = connector.clients
  via  = [pipeline.label]
  to   = connector.upstream
}

connect "answers" {
  from         = connector.upstream
  via          = [pipeline.address]
  to           = connector.clients
  on_lost_peer = "drop" # the client did not wait for its answer
}

connect "errors" {
  from = [connector.clients.err, connector.upstream.err, pipeline.label.err, pipeline.address.err]
  to   = connector.problems
}
