# Copies what is in a compressed file.
connector "file" "in" {
  path        = "in.gz"
  mode        = "read"
  compression = "gzip"
  codec       = "string"
}

connector "file" "out" {
  path  = "out.txt"
  mode  = "truncate"
  codec = "string"
}

connect "copy" {
  from = connector.in
  to   = connector.out
}
