variable "port" {
  type = number
}

connector "ws_server" "edge" {
  url   = "127.0.0.1:${var.port}"
  cdoec = "json"
}

connect "echo" {
  from  = connector.edge
  where = evnt.n > 1
  to    = connector.egde
}
