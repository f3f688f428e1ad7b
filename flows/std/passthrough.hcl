# Hands events on unchanged: a place to put something later, and the smallest
# module there is.
flow {
  description = "hands events on unchanged"
}

pipeline "pass" {}

input "in" {
  to = pipeline.pass
}

output "out" {
  from = pipeline.pass
}
