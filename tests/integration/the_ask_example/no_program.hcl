connector "exec" "program" {
  command = ["flowrun-no-such-program"]
  codec   = "string"
}

connector "log" "out" {}

connect "out" {
  from = connector.program
  to   = connector.out
}
