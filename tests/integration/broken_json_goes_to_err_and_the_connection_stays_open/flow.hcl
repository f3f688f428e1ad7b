variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

connector "file" "errors" {
  path  = "errors.ndjson"
  mode  = "truncate"
  codec = "json"
}

connect "echo" {
  from = connector.edge
  to   = connector.edge
}

connect "errors" {
  from = connector.edge.err
  to   = connector.errors
}
