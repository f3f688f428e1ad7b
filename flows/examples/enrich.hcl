# Orders on standard input leave with a total and a currency, without the card;
# those of an unknown country are logged.
#
#   flowrun server run flows/examples/enrich.hcl < orders.ndjson
#
# One pipeline alone can be tried, too:
#
#   flowrun pipe flows/examples/enrich.hcl enrich < orders.ndjson

locals {
  currencies = { de = "EUR", fr = "EUR", us = "USD" }
}

connector "stdio" "console" {
  preprocessors  = ["separate"]
  codec          = "json"
  postprocessors = ["separate"]
}

connector "log" "problems" {
  level = "warn"
}

pipeline "enrich" {
  # All expressions of a map see the event as it came.
  map "total" {
    event = merge(omit(event, "card"), {
      country  = lower(event.country)
      total    = sum([for i in event.items : i.price * i.count])
      currency = lookup(local.currencies, lower(event.country), null)
    })
  }
  route "known" {
    port "unknown" {
      where = event.currency == null
    }
  }
}

connect "orders" {
  from = connector.console
  to   = pipeline.enrich
}

connect "enriched" {
  from = pipeline.enrich
  to   = connector.console
}

connect "problems" {
  from = [pipeline.enrich.unknown, pipeline.enrich.err, connector.console.err]
  to   = connector.problems
}
