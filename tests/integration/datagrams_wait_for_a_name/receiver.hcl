# Datagrams go to a file, and back.
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

connect "answer" {
  from = connector.in
  to   = connector.in
}
