# Datagrams go to a file.
variable "address" {
  type = string
}

connector "udp_server" "in" {
  url   = var.address
  codec = "json"
}

connector "file" "got" {
  path  = "got.ndjson"
  mode  = "append"
  codec = "json"
}

connect "note" {
  from = connector.in
  to   = connector.got
}
