connector "file" "in" {
  path          = "in.txt"
  mode          = "read"
  preprocessors = ["separate"]
  codec         = "string"
}

connector "file" "out" {
  path           = "out.txt"
  mode           = "write"
  postprocessors = ["separate"]
  codec          = "json"
}

connect "copy" {
  from = connector.in
  to   = connector.out
}

connector "logs" "journal" {
}

connector "events" "happens" {
}

connector "metrics" "figures" {
}

connector "null" "nowhere" {
}

connect "tell" {
  from = [connector.journal, connector.happens, connector.figures]
  to   = connector.nowhere
}
