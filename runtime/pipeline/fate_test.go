package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime/flow"
	"github.com/flowrun/flowrun/runtime/flowfile"
	"github.com/flowrun/flowrun/runtime/pipeline/internal/steptest"
	"github.com/flowrun/flowrun/runtime/pipeline/step"
	"github.com/flowrun/flowrun/runtime/setting"
)

// ledger is a sink that accepts or refuses at random, and remembers.
type ledger struct {
	random            *rand.Rand
	accepted, refused []int // ids, in the order in which they came
}

func (l *ledger) Send(_ context.Context, batch []flow.Event) error {
	whole := l.random.IntN(8) == 0
	var err error
	for i := range batch {
		id, _ := batch[i].Value.Object().Get("id")
		if whole || l.random.IntN(5) == 0 {
			l.refused = append(l.refused, int(id.Int()))
			flow.Fail(&err, i, steptest.ErrRefused)
		} else {
			l.accepted = append(l.accepted, int(id.Int()))
		}
	}
	if whole {
		return steptest.ErrRefused
	}
	return err
}

// passes are steps that let each event pass as it is, and fail on 17.
var passes = []func(testing.TB) flow.StepConfig{
	func(t testing.TB) flow.StepConfig {
		return &step.Map{Event: steptest.Value(t, `{ word = lower(event.word), id = event.id }`), Meta: steptest.Value(t, `{ x = event.id }`)}
	},
	func(t testing.TB) flow.StepConfig {
		return &step.Split{Over: steptest.Value(t, `[{ word = lower(event.word), id = event.id }]`), MaxItems: 1}
	},
	func(t testing.TB) flow.StepConfig {
		return &step.Dedupe{Key: steptest.Value(t, `"${lower(event.word)} ${event.id}"`), TTL: setting.Duration(time.Hour), MaxKeys: 1000}
	},
	func(t testing.TB) flow.StepConfig {
		return &step.Throttle{Key: steptest.Value(t, `lower(event.word)`), Rate: 1000, Per: setting.Duration(time.Second), MaxKeys: 10, OnExcess: "err"}
	},
	func(t testing.TB) flow.StepConfig {
		return &step.Sample{Rate: 1, Key: steptest.Value(t, `lower(event.word)`)}
	},
}

// FuzzFate sends batches through random pipelines whose exits refuse at
// random: every event arrives at each exit that it should reach, once and in
// order, and it is reported as failed, once, exactly when an exit refused it
// or a condition failed on it.
func FuzzFate(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint8(seed%5), uint8(3*seed))
	}
	words := []string{"a", "b", "ab", "c", "17"}
	conditions := []struct {
		src  string
		test func(word string) bool // not asked for 17, which is an error
	}{
		{`event.word < "x" && event.word == "a"`, func(w string) bool { return w == "a" }},
		{`event.word < "x" && event.word != "b"`, func(w string) bool { return w != "b" }},
		{`startswith(event.word, "a")`, func(w string) bool { return w[0] == 'a' }},
		{`event.word > "aa"`, func(w string) bool { return w > "aa" }},
	}
	f.Fuzz(func(t *testing.T, seed uint64, steps, size uint8) {
		random := rand.New(rand.NewPCG(seed, 1))
		p := steptest.Problems("pipeline", "p")
		errs := &steptest.Discard{}
		if seed%2 == 0 {
			p.Port.Connect(errs)
		}
		block := &flowfile.PipelineBlock{Name: "p"}
		// model returns the exits that a word reaches, and whether a
		// condition fails on it.
		model := func(string) ([]string, bool) { return []string{"out"}, false }
		var build []func()
		for s := range int(steps % 5) {
			if same := random.IntN(3 * len(passes)); same < len(passes) {
				block.Steps = append(block.Steps, flowfile.StepBlock{Type: "same", Label: fmt.Sprint(s), Config: passes[same](t)})
				build = append(build, func() {
					next := model
					model = func(w string) ([]string, bool) {
						if w == "17" {
							return nil, true
						}
						return next(w)
					}
				})
				continue
			}
			c := conditions[random.IntN(len(conditions))]
			if random.IntN(2) == 0 {
				block.Steps = append(block.Steps, flowfile.StepBlock{Type: "filter", Label: fmt.Sprint(s), Config: &step.Filter{Where: steptest.Where(t, c.src)}})
				build = append(build, func() {
					next := model
					model = func(w string) ([]string, bool) {
						if w == "17" {
							return nil, true
						}
						if !c.test(w) {
							return nil, false
						}
						return next(w)
					}
				})
				continue
			}
			d := conditions[random.IntN(len(conditions))]
			x, y := fmt.Sprint("x", s), fmt.Sprint("y", s)
			mode := []string{"first", "all"}[random.IntN(2)]
			block.Steps = append(block.Steps, flowfile.StepBlock{Type: "route", Label: fmt.Sprint(s), Config: &step.Route{
				Mode: mode, Port: []step.RoutePort{{Name: x, Where: steptest.Where(t, c.src)}, {Name: y, Where: steptest.Where(t, d.src)}},
			}})
			build = append(build, func() {
				next := model
				model = func(w string) (exits []string, failed bool) {
					if w == "17" {
						return nil, true
					}
					if c.test(w) {
						exits = append(exits, x)
					}
					if d.test(w) && (mode == "all" || exits == nil) {
						exits = append(exits, y)
					}
					if exits == nil {
						return next(w)
					}
					return exits, false
				}
			})
		}
		slices.Reverse(build)
		for _, b := range build {
			b()
		}
		i, err := New(block, p)
		if err != nil {
			t.Fatal(err)
		}
		ledgers := map[string]*ledger{}
		for name, port := range i.ports {
			ledgers[name] = &ledger{random: random}
			port.Connect(ledgers[name])
		}

		var in string
		for range size {
			in += words[random.IntN(len(words))] + " "
		}
		batch := steptest.Words(in)
		err = i.In().Send(t.Context(), batch)

		got := map[int]bool{}
		last := -1
		flow.Failures(err, len(batch), func(index int, _ error) {
			if index <= last {
				t.Fatalf("failure %d after %d", index, last)
			}
			last = index
			got[index] = true
		})
		reached := map[string][]int{} // what each exit should have seen
		problems := 0
		for id := range batch {
			exits, failed := model(steptest.Word(&batch[id]))
			if failed {
				problems++
				failed = !p.Port.Connected()
			}
			for _, x := range exits {
				reached[x] = append(reached[x], id)
				failed = failed || slices.Contains(ledgers[x].refused, id)
			}
			if failed != got[id] {
				t.Fatalf("event %d (%s): reported as failed: %v, want %v", id, steptest.Word(&batch[id]), got[id], failed)
			}
		}
		for name, l := range ledgers {
			if !slices.IsSorted(l.accepted) || !slices.IsSorted(l.refused) {
				t.Fatalf("%s: out of order", name)
			}
			all := slices.Sorted(slices.Values(slices.Concat(l.accepted, l.refused)))
			if !slices.Equal(all, reached[name]) {
				t.Fatalf("%s: got events %v, want %v", name, all, reached[name])
			}
		}
		if p.Counts().Total() != uint64(problems) || p.Port.Connected() && errs.N != problems {
			t.Fatalf("%d problems, %d err events, want %d", p.Counts().Total(), errs.N, problems)
		}
	})
}

// FuzzEdgeFate does the same for edges: to each sink in order, until one
// refuses.
func FuzzEdgeFate(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint8(seed%4), uint8(3*seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, targets, size uint8) {
		random := rand.New(rand.NewPCG(seed, 2))
		edge := &Edge{Where: steptest.Where(t, `event.word > "a"`), Problems: steptest.Problems("connector", "c")}
		if seed%3 == 0 {
			edge.Where = nil
		}
		var ledgers []*ledger
		for range targets % 5 {
			ledgers = append(ledgers, &ledger{random: random})
			edge.To = append(edge.To, ledgers[len(ledgers)-1])
		}
		var in string
		for range size {
			in += []string{"a", "b", "c", "17"}[random.IntN(4)] + " "
		}
		batch := steptest.Words(in)
		err := edge.Send(t.Context(), batch)
		got := map[int]bool{}
		flow.Failures(err, len(batch), func(index int, _ error) { got[index] = true })

		for id := range batch {
			w := steptest.Word(&batch[id])
			failed := edge.Where != nil && w == "17"
			goes := edge.Where == nil || w > "a" && !failed
			for n, l := range ledgers {
				accepted, refused := slices.Contains(l.accepted, id), slices.Contains(l.refused, id)
				if (accepted || refused) != goes {
					t.Fatalf("event %d (%s) at sink %d: %v, want %v", id, w, n, !goes, goes)
				}
				if refused {
					failed, goes = true, false
				}
			}
			if failed != got[id] {
				t.Fatalf("event %d (%s): reported as failed: %v, want %v", id, w, got[id], failed)
			}
		}
		for n, l := range ledgers {
			if !slices.IsSorted(l.accepted) || !slices.IsSorted(l.refused) {
				t.Fatalf("sink %d: out of order", n)
			}
		}
	})
}
