package queue

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/flowrun/flowrun/runtime/flow"
)

// BenchmarkPersistent passes records of 143 bytes through a queue on the disk, each
// batch waited for, read and confirmed, beside a loop that writes the same bytes and
// calls fdatasync; both in turns, so that the disk is as busy for both. One adds
// batches of several records by itself; 32 at a time add one record each.
func BenchmarkPersistent(b *testing.B) {
	for _, c := range []struct{ adders, records int }{{1, 1}, {1, 32}, {1, 1000}, {32, 1}} {
		b.Run(fmt.Sprintf("%d_add_%d", c.adders, c.records), func(b *testing.B) {
			q, err := NewSet().Open(filepath.Join(b.TempDir(), "q"), large, zap.NewNop())
			if err != nil {
				b.Fatal(err)
			}
			f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			one := bytes.Repeat([]byte("x"), 143)
			frames, ends := make([]flow.Frame, c.records), make([]int, c.records)
			for i := range frames {
				frames[i], ends[i] = flow.Frame{Data: one}, i+1
			}
			plain := bytes.Repeat(one, c.records)
			var queued, written time.Duration
			var mu sync.Mutex
			ctx := b.Context()
			const turn = 20 // adds of each adder
			together := func(f func()) time.Duration {
				start := time.Now()
				var all sync.WaitGroup
				for range c.adders {
					all.Go(func() {
						for range turn {
							f()
						}
					})
				}
				all.Wait()
				return time.Since(start)
			}
			var batch Batch
			b.ReportAllocs()
			for b.Loop() {
				queued += together(func() {
					_, t := q.Add(frames, 0, ends)
					if err := q.Wait(ctx, t); err != nil {
						b.Error(err)
					}
				})
				start := time.Now()
				for {
					if err := q.Next(&batch, 256<<10, math.MaxInt); err != nil {
						b.Fatal(err)
					}
					n := batch.Events()
					if n == 0 {
						break
					}
					q.Confirm(batch.Upto(n))
				}
				queued += time.Since(start)
				written += together(func() {
					mu.Lock()
					defer mu.Unlock()
					if _, err := f.Write(plain); err != nil {
						b.Error(err)
					}
					if err := syncData(f); err != nil {
						b.Error(err)
					}
				})
			}
			n := float64(b.N * turn * c.adders * c.records)
			b.ReportMetric(n/queued.Seconds(), "records/s")
			b.ReportMetric(n/written.Seconds(), "plain/s")
			b.ReportMetric(written.Seconds()/queued.Seconds(), "of-plain")
			b.ReportMetric(0, "ns/op")
		})
	}
}
