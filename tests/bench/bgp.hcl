# What is measured: BGP messages that come as JSON and leave in OpenBMP's format.
variable "url" {
  type    = string
  default = "127.0.0.1:0"
}

connector "ws_server" "edge" {
  url   = "${var.url}/in"
  codec = { name = "bgp", format = "json" }
}

connector "ws_server" "out" {
  url   = "${var.url}/out"
  codec = { name = "bgp", format = "obmp" }
  queue {
    max_events = 4096
  }
}

connect "transcode" {
  from    = connector.edge
  to      = connector.out
  deliver = "broadcast"
}
