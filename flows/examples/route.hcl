# Log records on standard input: the errors go to a file, what is worth reading
# to standard output, and debug records nowhere.
#
#   flowrun server run flows/examples/route.hcl < records.ndjson

variable "errors" {
  type        = string
  default     = "errors.ndjson"
  description = "the file for errors, relative to this flow"
}

connector "stdio" "console" {
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

connector "file" "errors" {
  path           = var.errors
  mode           = "append"
  codec          = "json"
  postprocessors = ["separate"]
}

connector "log" "problems" {
  level = "warn"
}

pipeline "sort" {
  filter "worth_reading" {
    where = event.level != "debug"
  }
  route "by_level" {
    port "errors" {
      where = event.level == "error" || event.level == "fatal"
    }
  }
}

connect "read" {
  from = connector.console
  to   = pipeline.sort
}

connect "print" {
  from = pipeline.sort
  to   = connector.console
}

connect "keep" {
  from = pipeline.sort.errors
  to   = connector.errors
}

connect "report" {
  from = [connector.console.err, pipeline.sort.err]
  to   = connector.problems
}
