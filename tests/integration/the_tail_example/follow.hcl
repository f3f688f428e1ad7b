variable "last" {
  type        = string
  description = "the line at which to end"
}

connector "file" "log" {
  path     = "follow.log"
  mode     = "read"
  follow   = true
  position = "follow.position"
  codec    = "string"
}

connector "file" "out" {
  path  = "out.log"
  mode  = "append"
  codec = "string"
}

connector "exit" "end" {}

connect "copy" {
  from = connector.log
  to   = connector.out
}

connect "end" {
  from  = connector.log
  where = event == var.last
  to    = connector.end
}
