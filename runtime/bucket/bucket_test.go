package bucket

import (
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	var b Bucket
	b.SetRate(10)
	now := time.Now().UnixNano()
	taken := func(at int64) (n int) {
		for b.Take(at) {
			n++
		}
		return n
	}
	if n := taken(now); n != 10 {
		t.Errorf("a full one gives %d", n)
	}
	if n := taken(now + int64(300*time.Millisecond)); n != 3 {
		t.Errorf("after 300ms, it gives %d", n)
	}
	if n := taken(now + int64(time.Hour)); n != 10 {
		t.Errorf("after an hour, it gives %d", n)
	}
}
