# Each second, a list of one record, with its time in front.
test "as_it_says" {
  tags = ["ws", "host"]
  locals {
    port = free_port()
  }
  before "client" {
    flow = "figures.hcl"
    vars = { url = "ws://127.0.0.1:${local.port}/" }
  }
  peer "server" {
    listen = "127.0.0.1:${local.port}"
    expect {
      where = length(event) == 1 && event[0].date > 1700000000.0 && event[0].cpu_p >= 0 && event[0]["cpu0.p_cpu"] <= 100 && event[0]["Mem.used"] > 0
      count = 2
    }
    close {}
  }
}
