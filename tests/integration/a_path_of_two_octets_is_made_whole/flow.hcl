# What a router says that knows AS numbers of two octets only, and the paths of it.
variable "address" {
  type = string
}

connector "ws_server" "raw" {
  url   = "ws://${var.address}/raw"
  codec = { name = "bgp", format = "raw", as4 = false }
}

connector "ws_server" "paths" {
  url   = "ws://${var.address}/paths"
  codec = "json"
}

pipeline "paths" {
  map "path" {
    event = { path = as_path(event), origin = as_origin(event) }
  }
}

connect "paths" {
  from    = connector.raw
  via     = [pipeline.paths]
  to      = connector.paths
  deliver = "broadcast"
}
