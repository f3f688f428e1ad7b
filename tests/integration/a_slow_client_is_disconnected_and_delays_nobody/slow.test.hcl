# 160 messages of 64 KiB are more than any socket buffers for one who does not read.
# The speaker waits for each of them to come back before it says the next.
test "who_does_not_read" {
  tags    = ["ws", "broadcast", "slow"]
  timeout = "5m"
  locals {
    port = free_port()
    page = join("", [for i in range(1024) : "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"])
  }
  before "server" {
    flow = "flow.hcl"
    vars = { url = "127.0.0.1:${local.port}" }
    ready {
      port = local.port
    }
  }
  peer "slow" {
    connect        = "ws://127.0.0.1:${local.port}"
    receive_buffer = "4KiB"
    ping {}
    read {
      rate = "0B"
    }
    signal "joined" {}
    await "said" {
      within = "4m"
    }
    read {}
    # It reads again within close_timeout, and is told.
    expect_close {
      code   = 1013
      reason = "^slow consumer: queue.max_events is reached$"
      skip   = true
    }
  }
  peer "quick" {
    connect = "ws://127.0.0.1:${local.port}"
    await "joined" {}
    repeat {
      times = 160
      send {
        text = local.page
      }
      expect {
        text = local.page
      }
    }
    signal "said" {}
    close {}
  }
  expect {
    process "server" {
      exit_code = 0
      stderr {
        matches = ["a slow consumer is disconnected.*connector.*edge.*peer.*127.0.0.1:.*connection.*/flow/edge/.*limit.*queue.max_events.*queued.*16.*bytes.*so_far.*1"]
      }
    }
  }
}
