variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url          = var.url
  codec        = "string"
  subprotocols = ["v2.chat", "v1.chat"]
}

pipeline "which" {
  map "spoken" {
    event = peer.subprotocol
  }
}

connect "tell" {
  from = connector.edge
  via  = pipeline.which
  to   = connector.edge
}
