# What is measured: an echo of five fields of each message.
connector "ws_server" "edge" {
  url            = "127.0.0.1:0"
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "way" {
  map "five" {
    event = {
      conn  = event.conn
      seq   = event.seq
      price = event.price
      size  = event.size
      side  = event.side
    }
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.way]
  to   = connector.edge
}
