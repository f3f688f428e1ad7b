variable "url" {
  type = string
}

# Small buffers: what a client does not read is felt soon.
connector "ws_server" "edge" {
  url           = var.url
  codec         = "string"
  close_timeout = "100s"
  queue {
    max_events    = 16
    overflow      = "disconnect"
    write_timeout = "5m" # max_events is reached before, also on a machine that is slow
  }
}

connect "all" {
  from    = connector.edge
  to      = connector.edge
  deliver = "broadcast"
}
