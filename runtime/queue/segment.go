package queue

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// segment is one file of a log.
type segment struct {
	number uint64
	key    uint32
	file   *os.File
	size   int64 // of what is written and, but for the newest heads, on the disk
	full   bool  // nothing more is written to it, since that has failed
}

// nameFormat is that of segments: number and key. The last part is the version of
// the format.
const nameFormat = "%016x-%08x.q1"

func (s *segment) name() string { return fmt.Sprintf(nameFormat, s.number, s.key) }

// parseName is false for names of others.
func parseName(name string) (s segment, ok bool) {
	n, err := fmt.Sscanf(name, nameFormat, &s.number, &s.key)
	return s, err == nil && n == 2 && name == s.name() && s.number > 0
}

// list finds the segments in a directory, in order, none of them open.
func list(dir string) ([]*segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []*segment
	for _, e := range entries {
		if s, ok := parseName(e.Name()); ok && e.Type().IsRegular() {
			all = append(all, &s)
		}
	}
	slices.SortFunc(all, func(a, b *segment) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
	return all, nil
}

// create makes a segment, and sees to it that it is found after a crash.
func create(dir string, number uint64) (*segment, error) {
	var key [4]byte
	_, _ = rand.Read(key[:]) // never fails
	s := &segment{number: number, key: binary.LittleEndian.Uint32(key[:])}
	f, err := os.OpenFile(filepath.Join(dir, s.name()), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	s.file = f
	if err := syncDir(dir); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

func (s *segment) open(dir string) (err error) {
	s.file, err = os.OpenFile(filepath.Join(dir, s.name()), os.O_RDWR, 0)
	return err
}

var errRemoved = errors.New("its file was removed while it was open: make the directory again")

// write puts p behind what there is and, where durable says so, waits until it is on
// the disk, in a file that the next process will find. The caller adds to size; after an
// error, what has been written is taken back as far as that can be done.
func (s *segment) write(p []byte, durable bool) error {
	_, err := s.file.WriteAt(p, s.size)
	if err == nil && durable {
		err = syncData(s.file)
	}
	if err == nil && durable && isRemoved(s.file) {
		err = errRemoved
	}
	if err != nil {
		_ = s.file.Truncate(s.size)
	}
	return err
}

// remove deletes the file.
func (s *segment) remove() {
	name := s.file.Name()
	_ = s.file.Close()
	_ = os.Remove(name) // what is left is removed by the next open
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	_ = d.Close()
	return err
}
