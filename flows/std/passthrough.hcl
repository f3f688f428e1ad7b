# Hands events on unchanged: the smallest module there is, and a place in an edge
# that can be given something to do later.
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
