# What comes as JSON leaves as messages of the wire, and the other way round.
variable "url" {
  type = string
}

connector "ws_server" "json" {
  url   = "${var.url}/json"
  codec = { name = "bgp", format = "json", skip = ["KEEPALIVE"] }
}

connector "ws_server" "raw" {
  url   = "${var.url}/raw"
  codec = { name = "bgp", format = "raw" }
}

connector "ws_server" "errors" {
  url   = "${var.url}/errors"
  codec = "json"
}

connect "down" {
  from    = connector.json
  where   = event.data.reach[0] != "198.51.100.0/24" # a look into the message
  to      = connector.raw
  deliver = "broadcast"
}

connect "up" {
  from    = connector.raw
  to      = connector.json
  deliver = "broadcast"
}

connect "problems" {
  from    = [connector.raw.err, connector.json.err]
  to      = connector.errors
  deliver = "broadcast"
}
