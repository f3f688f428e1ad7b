# What has to do with the delivery of records is in none of them: a record of a
# record would be the beginning of a loop.
test "connections_reloads_and_figures" {
  tags = ["ws", "events", "logs"]
  locals {
    port = free_port()
  }
  run {
    flow = "flow.hcl"
    vars = { port = local.port }
    args = ["--log-level", "debug"]
    ready {
      port = local.port
    }
  }
  peer "dashboard" {
    connect = "ws://127.0.0.1:${local.port}/api"
    dial {}
    # Figures have come, so this peer is among those who are told; and they say that
    # the journal is, too.
    expect {
      where = length([for c in try(event.connectors, []) : c if c.name == "journal" && c.state == "open"]) == 1
      skip  = true
    }
    signal "listening" {}
    expect {
      where = event.message == "connection opened" && event.level == "debug" && event.fields.connector == "edge" && strlen(event.timestamp) == 24
      skip  = true
    }
    signal "heard" {}
    expect {
      where = length([for c in try(event.connectors, []) : c if c.name == "edge" && c.counters.connections_total == 1]) == 1
      skip  = true
    }
    signal "counted" {}
    expect {
      includes = { type = "config.reload", data = { changed_sections = ["connector.edge"], requires_restart = false } }
      skip     = true
    }
    signal "reloaded" {}
    expect_close {
      code = 1001
      skip = true
    }
  }
  peer "alice" {
    connect = "ws://127.0.0.1:${local.port}/"
    await "listening" {}
    dial {}
    await "counted" {}
    signal "reload" {}
    expect_close {
      code = 1012
    }
  }
  interrupt "edit" {
    await   = "reload"
    replace = { "flow.hcl" = "next.hcl" }
    signal  = "SIGHUP"
  }
  interrupt "end" {
    await = "reloaded"
  }
  expect {
    exit_code = 0
    stderr {
      matches = ["connector.:.first"]
      absent  = ["\\\"message\\\":\\\"{"]
    }
  }
}

# The log of a job that ends by itself does not keep it from ending.
test "the_process_does_not_wait_for_them" {
  tags = ["events", "logs"]
  run {
    flow = "job.hcl"
  }
  expect {
    exit_code = 0
    file "out.txt" {
      text = "\"a\"\n\"b\"\n"
    }
  }
}
