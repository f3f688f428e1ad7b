# Sends each line back to who sent it; "exit" ends the process.
variable "url" {
  type = string
}

connector "ws_server" "edge" {
  url            = var.url
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

connector "exit" "exit" {
  delay = "100ms"
}

connect "stop" {
  from  = connector.edge
  where = event == "exit"
  to    = connector.exit
}

connect "echo" {
  from  = connector.edge
  where = event != "exit"
  to    = connector.edge
}
