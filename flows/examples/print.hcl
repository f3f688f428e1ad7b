# A file, line by line, to standard output. The process ends with the file.
#
#   flowrun server run flows/examples/print.hcl

variable "path" {
  type        = string
  default     = "greetings.json"
  description = "the file, relative to this flow"
}

connector "file" "greetings" {
  path          = var.path
  mode          = "read"
  preprocessors = ["separate"]
  codec         = "json"
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

connect "print" {
  from = connector.greetings
  to   = connector.console
}
