variable "url" {
  type = string
}

variable "adopt" {
  type    = bool
  default = true
}

connector "ws_server" "ingest" {
  url            = var.url
  codec          = "string"
  adopt_headless = var.adopt
}

connector "file" "got" {
  path  = "got.txt"
  mode  = "truncate"
  codec = "string"
}

connect "keep" {
  from = connector.ingest
  to   = connector.got
}

connect "echo" {
  from = connector.ingest
  to   = connector.ingest
}
