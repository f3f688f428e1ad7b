# Streams of several kinds; what goes wrong with them is written to a file.
variable "address" {
  type = string
}

connector "tcp_server" "router" {
  url   = var.address
  codec = { name = "bgp", format = "raw" }
}

connector "stdio" "console" {
  preprocessors  = ["json_stream"]
  codec          = "json"
  postprocessors = ["json_stream"]
}

connector "file" "lengths" {
  path          = "lengths.txt"
  mode          = "read"
  preprocessors = [{ name = "length_prefix", size = "text" }]
  codec         = "string"
}

connector "file" "errors" {
  path  = "errors.ndjson"
  mode  = "append"
  codec = "json"
}

connector "log" "told" {
  codec = "json"
}

connector "null" "good" {}

pipeline "kind" {
  map "kind" {
    event = { at = event.error.component, kind = event.error.kind, bytes = length(event.raw) }
  }
}

connect "echo" {
  from = connector.router
  to   = connector.router
}

connect "good" {
  from = [connector.console, connector.lengths]
  to   = connector.good
}

connect "errors" {
  from = [connector.router.err, connector.console.err, connector.lengths.err]
  via  = [pipeline.kind]
  to   = [connector.errors, connector.told]
}
