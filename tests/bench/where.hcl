# What is measured: an echo of what a condition lets pass.
connector "ws_server" "edge" {
  url            = "127.0.0.1:0"
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "way" {
  filter "large" {
    where = event.symbol == "EURUSD" && event.price > 1
  }
}

connect "echo" {
  from = connector.edge
  via  = [pipeline.way]
  to   = connector.edge
}
