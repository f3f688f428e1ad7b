variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "json"
}

connector "file" "said" {
  path  = "said.ndjson"
  mode  = "truncate"
  codec = "json"
}

connector "exit" "exit" {}

connect "keep_and_echo" {
  from  = connector.edge
  where = event != "exit"
  to    = [connector.said, connector.edge]
}

connect "stop" {
  from  = connector.edge
  where = event == "exit"
  to    = connector.exit
}
