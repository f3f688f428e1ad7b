// Package position keeps how far files have been read, in a file: it is replaced in one
// step, so that whatever happens it holds the old or the new positions, and locked, so that
// one reader at a time goes on from there.
package position

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/flowrun/flowrun/connectors/file/internal/disk"
	"go.uber.org/zap"
)

// Identity tells one file of a machine from all others that are there at the
// same time, whatever they are called.
type Identity struct{ Device, Inode uint64 }

// IdentityOf is the identity of the file that info is of.
func IdentityOf(info os.FileInfo) Identity {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Identity{}
	}
	return Identity{uint64(s.Dev), s.Ino} //nolint:unconvert // its type differs from system to system
}

// Place is where reading a file goes on, as a position file holds it. The numbers
// of a file that is removed are given to another one, so its first bytes are
// compared, too; as a hash, since they are nobody's business.
type Place struct {
	Path   string `json:"path"` // where it was last seen
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
	Offset int64  `json:"offset"` // of the first byte that the flow may not have
	Head   int    `json:"head"`   // how many of its first bytes SHA256 is of
	SHA256 string `json:"sha256"`
	// Modified is when it was last written to, in nanoseconds since 1970: those that
	// took its place while nobody looked are younger.
	Modified int64 `json:"modified"`
}

// HeadSize is how many of a file's first bytes are compared.
const HeadSize = 256

// Identity is that of the file.
func (p *Place) Identity() Identity { return Identity{p.Device, p.Inode} }

// Fits reports whether a file, which has the place's identity, is the one that
// was read: it is long enough, and begins with the same bytes.
func (p *Place) Fits(f io.ReaderAt, size int64) bool {
	if size < p.Offset {
		return false
	}
	head := make([]byte, p.Head)
	if _, err := f.ReadAt(head, 0); err != nil {
		return false
	}
	return p.SHA256 == HashOf(head)
}

// HashOf is the SHA-256 of the first bytes of a file.
func HashOf(head []byte) string {
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:])
}

// content is that of a position file.
type content struct {
	Version int     `json:"version"`
	Files   []Place `json:"files"`
}

const (
	placesVersion = 1
	maxPlaces     = 16 << 20 // bytes of a position file; max_files bounds what we write
)

// parsePlaces reads a position file. begun is false for one that is empty, as it
// is before anything was stored in it.
func parsePlaces(text []byte) (files []Place, begun bool, err error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, false, nil
	}
	var all content
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		return nil, false, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false, errors.New("something follows its end")
	}
	if all.Version != placesVersion {
		return nil, false, fmt.Errorf("its version is %d, and this flowrun knows %d", all.Version, placesVersion)
	}
	for i, p := range all.Files {
		sum, err := hex.DecodeString(p.SHA256)
		switch {
		case p.Offset < 0:
			err = errors.New("offset is negative")
		case p.Head < 0 || p.Head > HeadSize || int64(p.Head) > p.Offset:
			err = fmt.Errorf("head is %d", p.Head)
		case err == nil && len(sum) != sha256.Size:
			err = errors.New("sha256 is no SHA-256")
		}
		if err != nil {
			return nil, false, fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	return all.Files, true, nil
}

// formatPlaces is the mirror of parsePlaces, a line for each file.
func formatPlaces(files []Place) []byte {
	text := fmt.Appendf(nil, `{"version":%d,"files":[`, placesVersion)
	for i := range files {
		if i > 0 {
			text = append(text, ',')
		}
		line, err := json.Marshal(&files[i])
		if err != nil {
			panic(err) // strings and numbers can always be written
		}
		text = append(append(text, '\n'), line...)
	}
	return append(text, "\n]}\n"...)
}

// File is a position file that is ours: no other process, and no other
// connector of this one, stores anything in it until Close is called.
type File struct {
	path   string
	sync   bool
	file   *os.File // at path, locked
	stored []byte
}

// retryLock is how long to wait before looking again whether somebody else has
// ended who has the position file.
const retryLock = 50 * time.Millisecond

// Open opens a position file, or creates it, and waits until nobody else
// has it: in a reload, the connector that leaves stores its last position first.
func Open(ctx context.Context, path string, sync bool, log *zap.Logger) (*File, error) {
	for told := false; ; {
		f, err := openOrCreate(path)
		if err != nil {
			return nil, err
		}
		ours, err := lockAt(f, path)
		if ours {
			return &File{path: path, sync: sync, file: f}, nil
		}
		_ = f.Close() // nothing was written
		if err != nil {
			return nil, err
		}
		if !told {
			told = true
			log.Info("somebody else has the position file: waiting for their end", zap.String("position", path))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryLock):
		}
	}
}

func openOrCreate(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the position file %s: %w", path, disk.Bare(err))
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, fmt.Errorf("open the position file %s: it is no plain file: choose another path", path)
	}
	return f, nil
}

// lockAt locks f, unless somebody else has, or has put another file at its path.
func lockAt(f *os.File, path string) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // a descriptor fits
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock the position file %s: %w", path, err)
	}
	mine, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("lock the position file %s: %w", path, disk.Bare(err))
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there), nil
}

// Check tells whether a position file can be used: it is readable, or can be made.
func Check(path string) error {
	f, err := openOrCreate(path)
	if err != nil {
		return err
	}
	_, _, err = readPlaces(f, path)
	_ = f.Close() // it was only read
	return err
}

// Load reads what is stored. begun is false when nothing ever was.
func (p *File) Load() (files []Place, begun bool, err error) {
	return readPlaces(p.file, p.path)
}

func readPlaces(f *os.File, path string) ([]Place, bool, error) {
	text, err := io.ReadAll(io.LimitReader(io.NewSectionReader(f, 0, maxPlaces+1), maxPlaces+1))
	if err == nil && len(text) > maxPlaces {
		err = errors.New("it is larger than any that flowrun writes")
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the position file %s: %w", path, disk.Bare(err))
	}
	files, begun, err := parsePlaces(text)
	if err != nil {
		return nil, false, fmt.Errorf("read the position file %s: %w: restore it, or remove it to read the files anew", path, err)
	}
	return files, begun, nil
}

// Store replaces what is stored, in one step: whatever happens, the file holds
// the old or the new positions.
func (p *File) Store(files []Place) error {
	text := formatPlaces(files)
	if bytes.Equal(text, p.stored) {
		return nil
	}
	next, err := p.write(text)
	if err != nil {
		return fmt.Errorf("store the position in %s: %w", p.path, disk.Bare(err))
	}
	_ = p.file.Close() // the lock is that of next now
	p.file, p.stored = next, text
	return nil
}

func (p *File) write(text []byte) (next *os.File, err error) {
	name := p.path + disk.Temporary
	next, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = next.Close()
			_ = os.Remove(name)
		}
	}()
	// Locked before others can see it at its path: the lock has no gap.
	if err := syscall.Flock(int(next.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits
		return nil, err
	}
	if _, err := next.Write(text); err != nil {
		return nil, err
	}
	if p.sync {
		if err := next.Sync(); err != nil {
			return nil, err
		}
	}
	if err := os.Rename(name, p.path); err != nil {
		return nil, err
	}
	if p.sync {
		return next, disk.SyncFolder(filepath.Dir(p.path))
	}
	return next, nil
}

// Close gives the file to whoever waits for it.
func (p *File) Close() { _ = p.file.Close() } // all is stored
