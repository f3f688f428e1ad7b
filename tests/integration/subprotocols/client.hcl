variable "url" {
  type = string
}

# Written as http, as some know their service.
connector "ws_client" "far" {
  url          = var.url
  codec        = "string"
  subprotocols = ["v2.chat", "v1.chat"]
  reconnect {
    interval = "10ms"
  }
}

pipeline "which" {
  map "spoken" {
    event = peer.subprotocol
  }
}

connect "tell" {
  from = connector.far
  via  = pipeline.which
  to   = connector.far
}
