unit "orders_are_sorted_by_size" {
  flow     = "flow.hcl"
  pipeline = "sort"
  vars     = { limit = 50 }
  in = [
    { type = "order", id = 1, price = 10, count = 2 },
    { type = "hello" },
    { type = "order", id = 2, price = 25, count = 2 },
    { type = "order", id = 3, price = null, count = 2 },
  ]
  out = [{ id = 1, total = 20 }]
  port "large" {
    out = [{ id = 2, total = 50.0 }]
  }
  errors = ["null"]
}

unit "a_window_gives_what_it_holds_at_the_end" {
  flow     = "flow.hcl"
  pipeline = "totals"
  in = [
    { item = "a", count = 1 },
    { item = "b", count = 10 },
    { item = "a", count = 2 },
    { item = "a", count = 3 },
    { item = "b", count = 20 },
  ]
  out = [
    { item = "a", total = 6 },
    { item = "b", total = 30 },
  ]
}

expression "arithmetic" {
  locals {
    rate = 1.5
  }
  check "division_is_exact" {
    expr   = event.a / 2
    event  = { a = 7 }
    result = 3.5
  }
  check "locals_are_known" {
    expr   = event * local.rate
    event  = 2
    result = 3
  }
  check "null_is_no_number" {
    expr  = event.missing + 1
    event = {}
    error = "null"
  }
}
