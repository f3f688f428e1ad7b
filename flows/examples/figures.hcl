# What `fluent-bit -i cpu -o websocket://127.0.0.1:9000/ -p format=json` does: how busy this
# machine is goes to a WebSocket server, every second, a list of one record in each frame.
#
#   flowrun server run flows/examples/figures.hcl --var url=ws://127.0.0.1:9000/
#
# Figures are worth something at their time only: while the server is away, the oldest go.

variable "url" {
  type        = string
  default     = "ws://127.0.0.1:9000/"
  description = "the WebSocket server"
}

connector "host" "cpu" {
  interval = "1s"
}

connector "ws_client" "out" {
  url          = var.url
  codec        = { name = "json", date_key = "date" }
  idle_timeout = "20s"
  queue {
    max_events = 60
    overflow   = "drop_oldest"
  }
}

pipeline "records" {
  map "list" {
    event = [event]
  }
}

connect "send" {
  from = connector.cpu
  via  = [pipeline.records]
  to   = connector.out
}
