# Ends the process when an event is a word, as "exit" on a line of its own. The
# word goes no further; all other events are handed on.
flow {
  description = "ends the process when an event is a word"
}

variable "word" {
  type        = string
  default     = "exit"
  description = "the payload that ends the process"
}

variable "code" {
  type        = number
  default     = 0
  description = "the exit code of the process"
}

variable "delay" {
  type        = string
  default     = "0s"
  description = "how long the process goes on before it drains, so that answers to earlier events arrive"
}

connector "exit" "end" {
  code  = var.code
  delay = var.delay
}

pipeline "listen" {
  route "word" {
    port "word" {
      where = event == var.word
    }
  }
}

connect "end" {
  from = pipeline.listen.word
  to   = connector.end
}

input "in" {
  description = "events of any kind"
  to          = pipeline.listen
}

output "out" {
  description = "all events but the word"
  from        = pipeline.listen
}
