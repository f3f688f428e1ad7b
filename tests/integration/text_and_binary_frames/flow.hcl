variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url   = var.url
  codec = "binary"
}

pipeline "sort" {
  route "kind" {
    port "binary" {
      where = meta.ws_server.binary
    }
    port "text" {
    }
  }
}

pipeline "to_text" {
  map "frame" {
    meta = { ws_server = { binary = false } }
  }
}

connect "in" {
  from = connector.edge
  to   = pipeline.sort
}

connect "text" {
  from = pipeline.sort.text
  to   = connector.edge
}

connect "binary" {
  from  = pipeline.sort.binary
  where = event != bytes("as text")
  to    = connector.edge
}

connect "converted" {
  from  = pipeline.sort.binary
  where = event == bytes("as text")
  via   = [pipeline.to_text]
  to    = connector.edge
}
