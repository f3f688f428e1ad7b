# Lines of JSON to the http input of Fluent Bit, which takes application/json and no other type.
variable "url" {
  type = string
}

connector "stdio" "in" {
  codec = "json"
}

connector "http_client" "fluent" {
  url         = var.url
  codec       = "json"
  concurrency = 1
  retry {
    max_retries = 0 # until it listens
  }
}

connect "push" {
  from = connector.in
  to   = connector.fluent
}
