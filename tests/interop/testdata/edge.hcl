# What a browser can see of an edge: everything is sent back, and who asks is
# told what the edge knows of the page.
variable "url" {
  type = string
}

variable "compression" {
  type    = string
  default = "off"
}

connector "ws_server" "edge" {
  url         = var.url
  codec       = "json"
  compression = var.compression
  origins     = ["https://*.example.org"]
  max_message = "64KiB"
  ping {
    interval = "20ms" # in between whatever else happens
  }
  tls {
    cert = "edge.cert"
    key  = "edge.key"
  }
}

pipeline "who" {
  map "peer" {
    event = {
      cookies     = peer.cookies
      origin      = peer.headers.origin
      path        = peer.path
      query       = peer.query
      subprotocol = peer.subprotocol
      tls         = peer.tls
    }
  }
}

connect "echo" {
  from  = connector.edge
  where = event != "who"
  to    = connector.edge
}

connect "who" {
  from  = connector.edge
  where = event == "who"
  via   = [pipeline.who]
  to    = connector.edge
}
