# A session that makes a detour by a service that speaks JSON, and a router that is monitored:
# nothing says here how their messages are to be read.
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

connector "ws_server" "service" {
  url   = "ws://${var.address}/service"
  codec = { name = "bgp", format = "json" }
}

connector "ws_server" "router" {
  url   = "ws://${var.address}/bmp"
  codec = { name = "bgp", format = "bmp" }
}

connect "there" {
  from    = [connector.left, connector.right, connector.router]
  to      = connector.service
  deliver = "broadcast"
}

connect "to_the_right" {
  from    = connector.service
  where   = event.dir == "R"
  to      = connector.right
  deliver = "broadcast"
}

connect "to_the_left" {
  from    = connector.service
  where   = event.dir == "L"
  to      = connector.left
  deliver = "broadcast"
}
