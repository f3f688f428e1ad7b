# Lines of the console go out as datagrams, and come back with who has sent them.
variable "address" {
  type = string
}

connector "stdio" "console" {
  codec = "json_lines"
}

connector "udp_client" "out" {
  url   = "udp://${var.address}"
  codec = "json"
}

connector "udp_server" "in" {
  url   = var.address
  codec = "json"
}

connector "exit" "end" {}

pipeline "answer" {
  map "sign" {
    event = merge(event, { from = peer.host, same = peer.port == meta.udp_server.peer.port })
  }
}

connect "send" {
  from = connector.console
  to   = connector.out
}

connect "answer" {
  from = connector.in
  via  = [pipeline.answer]
  to   = connector.in
}

connect "show" {
  from = connector.out
  to   = connector.console
}

connect "end" {
  from  = connector.out
  where = event.n == 2
  to    = connector.end
}
