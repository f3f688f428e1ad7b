package flow

import (
	"strconv"
	"testing"
)

func BenchmarkObject(b *testing.B) {
	for _, n := range []int{5, 12, 20, 100} {
		fields := make([]Field, n)
		for i := range fields {
			fields[i] = Field{"some_key_" + strconv.Itoa(i*7919), IntOf(int64(i))}
		}
		o := ObjectOf(fields...)
		b.Run("build/"+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ObjectOf(fields...)
			}
		})
		b.Run("clone/"+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o.Clone()
			}
		})
		b.Run("find/"+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, f := range fields {
					if _, ok := o.Get(f.Key); !ok {
						b.Fatal("not found")
					}
				}
			}
		})
	}
}

// TestObjectOfManyKeys passes the sizes at which an object gets an index and a
// larger one, also as a clone.
func TestObjectOfManyKeys(t *testing.T) {
	o := NewObject(0)
	for i := range 2000 {
		if i%97 == 15 {
			o = o.Clone()
		}
		key := strconv.Itoa(i)
		if _, ok := o.Get(key); ok {
			t.Fatalf("%s is there before it was set", key)
		}
		o.Set(key, NullValue)
		o.Set(key, IntOf(int64(i)))
		if o.Len() != i+1 {
			t.Fatalf("%d keys, want %d", o.Len(), i+1)
		}
	}
	for i, f := range o.Fields() {
		if v, ok := o.Get(f.Key); !ok || v.Int() != int64(i) || f.Key != strconv.Itoa(i) {
			t.Fatalf("field %d is %s = %v", i, f.Key, v.Int())
		}
	}
}
