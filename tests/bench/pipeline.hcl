# What is measured: an echo through a pipeline that does nothing.
connector "ws_server" "edge" {
  url            = "127.0.0.1:0"
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "way" {}

connect "echo" {
  from = connector.edge
  via  = [pipeline.way]
  to   = connector.edge
}
