package compiler

import (
	"errors"
	"io/fs"
)

// single is a file system of one file: an inventory from outside the fleet.
type single struct {
	name string
	data []byte
}

// ReadFile implements [fs.ReadFileFS].
func (s single) ReadFile(name string) ([]byte, error) {
	if name != s.name {
		return nil, errors.New("an inventory that came with --input is one file and imports nothing")
	}
	return s.data, nil
}

// Open implements [fs.FS]; only ReadFile is of use.
func (s single) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
