variable "port" {
  type = number
}

connector "ws_server" "edge" {
  url     = "127.0.0.1:${var.port}"
  headers = { X-Edition = trimspace(file("edition.txt")), X-More = fileexists("more.txt") ? "yes" : "no" }
  codec   = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}
