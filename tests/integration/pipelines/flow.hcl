variable "limit" {
  type    = number
  default = 100
}

connector "metronome" "clock" {
  interval = "1s"
}

connector "null" "nowhere" {
}

pipeline "sort" {
  filter "orders" {
    where = event.type == "order"
  }
  map "slim" {
    event = { id = event.id, total = event.price * event.count }
  }
  route "size" {
    port "large" {
      where = event.total >= var.limit
    }
  }
}

pipeline "totals" {
  window "all" {
    kind     = "tumbling"
    size     = 3
    group_by = event.item
    emit     = { item = group, total = sum(event.count) }
  }
}

connect "sorted" {
  from = connector.clock
  via  = [pipeline.sort, pipeline.totals]
  to   = connector.nowhere
}

connect "large" {
  from = pipeline.sort.large
  to   = connector.nowhere
}
