# The end of the process closes windows, and what they answer arrives before the goodbye.
test "of_the_process" {
  tags = ["ws", "window", "drain"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  # Ten devices at each of five sites; each says something twice.
  peer "device" {
    connect = "ws://127.0.0.1:${local.port}"
    count   = 50
    within  = "1m"
    send {
      json  = { site = index % 5, n = index * 10 + n }
      count = 2
    }
    ping {} # the server has taken it
    signal "said" {}
    expect {
      where = event.site == index % 5 && event.count == 20 && sort(event.all) == [for n in range(20) : (index % 5) * 10 + (n - n % 2) * 25 + n % 2]
    }
    expect_close {
      code = 1001
    }
  }
  peer "bystander" {
    connect = "ws://127.0.0.1:${local.port}"
    ping {}
    signal "said" {}
    expect_close {
      code   = 1001
      within = "1m"
    }
  }
  interrupt "drain" {
    await = "said"
    count = 51
  }
  expect {
    exit_code = 0
  }
}
