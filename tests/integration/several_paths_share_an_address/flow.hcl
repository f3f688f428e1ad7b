# Two servers on one address: one for rooms, whose name is a part of the path.
variable "address" {
  type = string
}

connector "ws_server" "rooms" {
  url   = "ws://${var.address}/rooms/{id}"
  codec = "json"
}

connector "ws_server" "plain" {
  url   = "ws://${var.address}/plain"
  codec = "json"
}

connector "file" "errors" {
  path  = "errors.ndjson"
  mode  = "truncate"
  codec = "json"
}

connect "rooms" {
  from  = connector.rooms
  where = peer.params.id == "blue" && peer.query.x == "1"
  to    = connector.rooms
}

connect "plain" {
  from = connector.plain
  to   = connector.plain
}

connect "errors" {
  from = [connector.rooms.err, connector.plain.err]
  to   = connector.errors
}
