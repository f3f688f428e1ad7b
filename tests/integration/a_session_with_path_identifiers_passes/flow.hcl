# A session between routers, who have agreed on path identifiers between themselves.
variable "address" {
  type = string
}

connector "ws_server" "left" {
  url   = "ws://${var.address}/left"
  codec = { name = "bgp", format = "raw", dir = "R" }
}

connector "ws_server" "right" {
  url   = "ws://${var.address}/right"
  codec = { name = "bgp", format = "raw", dir = "L" }
}

connector "ws_server" "copies" {
  url   = "ws://${var.address}/json"
  codec = { name = "bgp", format = "json" }
}

connect "session" {
  from    = connector.left
  to      = [connector.right, connector.copies]
  deliver = "broadcast"
}
