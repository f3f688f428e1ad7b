package step

import "github.com/flowrun/flowrun/runtime/flow"

// All is the table of these steps, in the order of the reference.
var All = []flow.Spec[flow.StepConfig]{
	{
		Name:    "filter",
		Summary: "lets the events pass for which a condition is true",
		Doc: `An event for which ` + "`where`" + ` is false or null is dropped: it counts as delivered.
An event for which it is neither true, false nor null goes to the pipeline's ` + "`err`" + ` port; without
one it has failed, and whoever sent it learns of that. The other events of its batch go on.`,
		Example: filterExample,
		Config:  func() flow.StepConfig { return &Filter{} },
	},
	{
		Name:    "route",
		Summary: "sends events to named exits of the pipeline",
		Doc: `Each ` + "`port`" + ` names an exit, ` + "`pipeline.<pipeline>.<port>`" + `, that a ` + "`connect`" + ` can start from.
Ports are asked in the order written; one without ` + "`where`" + ` takes every event that comes to it. What no
port takes goes on to the next step.

With ` + "`mode = \"first\"`" + ` an event leaves by the first port that takes it, with ` + "`\"all\"`" + ` by each of
them: then it is delivered when it is at all of them. An exit that nothing is connected to counts and drops
its events.

An event for which a condition is neither true, false nor null goes to the pipeline's ` + "`err`" + ` port and to
no exit. A route has at most 63 ports.`,
		Example: routeExample,
		Config:  func() flow.StepConfig { return &Route{Mode: "first"} },
	},
	mapSpec,
	splitSpec,
	dedupeSpec,
	throttleSpec,
	sampleSpec,
}

const filterExample = `connector "file" "in" {
  path  = "in.ndjson"
  mode  = "read"
  codec = "json"

  preprocessors = ["separate"]
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

pipeline "errors" {
  filter "bad" {
    where = event.status >= 500 && !startswith(event.path, "/health")
  }
}

connect "show" {
  from = connector.in
  via  = [pipeline.errors]
  to   = connector.console
}
`

const routeExample = `connector "file" "in" {
  path  = "in.ndjson"
  mode  = "read"
  codec = "json"

  preprocessors = ["separate"]
}

connector "stdio" "console" {
  codec          = "json"
  postprocessors = ["separate"]
}

connector "file" "rest" {
  path  = "rest.ndjson"
  mode  = "append"
  codec = "json"

  postprocessors = ["separate"]
}

pipeline "sort" {
  route "by_level" {
    port "alarms" {
      where = event.level == "error" || event.level == "fatal"
    }
    port "rest" {}
  }
}

connect "in" {
  from = connector.in
  to   = pipeline.sort
}

connect "alarms" {
  from = pipeline.sort.alarms
  to   = connector.console
}

connect "rest" {
  from = pipeline.sort.rest
  to   = connector.rest
}
`
