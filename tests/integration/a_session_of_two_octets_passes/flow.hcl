# A session between routers that know AS numbers of two octets only.
variable "address" {
  type = string
}

connector "ws_server" "left" {
  url   = "ws://${var.address}/left"
  codec = { name = "bgp", format = "raw", as4 = false, dir = "R" }
}

connector "ws_server" "right" {
  url   = "ws://${var.address}/right"
  codec = { name = "bgp", format = "raw", as4 = false, dir = "L" }
}

connector "ws_server" "injector" {
  url   = "ws://${var.address}/json"
  codec = { name = "bgp", format = "json" }
}

connect "session" {
  from    = [connector.left, connector.injector]
  to      = connector.right
  deliver = "broadcast"
}
