# Tells clients what is in a compressed file, and each other.
variable "url" {
  type = string
}

connector "file" "in" {
  path        = "in.gz"
  mode        = "read"
  compression = "gzip"
  codec       = "string"
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "string"
}

connect "tell" {
  from    = [connector.in, connector.edge]
  to      = connector.edge
  deliver = "broadcast"
}
