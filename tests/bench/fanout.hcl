# What is measured: a line that one client says goes to all of them.
connector "ws_server" "edge" {
  url            = "ws://127.0.0.1:0/all"
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

connect "talk" {
  from    = connector.edge
  to      = connector.edge
  deliver = "broadcast"
}
