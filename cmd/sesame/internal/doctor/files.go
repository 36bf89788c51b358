package doctor

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
	"github.com/sesame-go/sesame/store/logstore"
)

// open are the bits of a mode that let other users read or change a file.
const open fs.FileMode = 0o077

// fileModes reports files that other users may read.
func (p *Patient) fileModes(what string, paths ...string) {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&open != 0 {
			p.add(Problem, "mode", "chmod 600 "+path, "%s of %s: other users may read the sessions of yours", info.Mode().Perm(), path)
			return
		}
	}
	p.add(OK, "mode", "", "only the program's user can read %s", what)
}

func (p *Patient) log(context.Context) {
	p.fileModes("the file and its lock", p.Engine.Path, p.Engine.Path+".lock")
	s, ok := p.Engine.Store.(*logstore.Store)
	if !ok {
		return
	}
	damage := s.Recovery().Damage
	switch n := len(damage); {
	case n == 0:
		p.add(OK, "file", "", "no damage")
	case n == 1 && damage[0].Tail:
		p.add(Note, "file", "", "the last %d bytes were cut off: the process or the power ended in the middle of a write that was not answered, or this is a copy", damage[0].Bytes)
	default:
		p.add(Problem, "file", "look at the disk (smartctl, dmesg); to be safe end the sessions of before: sesame … revoke --before TIME",
			"damaged in %d places, the first at offset %d; what was there may have been a log-out", n, damage[0].Offset)
	}
}

func (p *Patient) directory(context.Context) {
	readable, first := 0, ""
	err := filepath.WalkDir(p.Engine.Path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().Perm()&open != 0 {
			readable++
			if first == "" {
				first = path
			}
		}
		return nil
	})
	dir, dirErr := os.Stat(p.Engine.Path)
	switch {
	case err != nil || dirErr != nil:
		p.add(Note, "mode", "run it as the program's user", "could not be seen: %v", cmp.Or(err, dirErr))
	case readable > 0 && dir.Mode().Perm()&open != 0:
		p.add(Problem, "mode", "chmod -R go-rwx "+p.Engine.Path, "other users may read %s, such as %s", terminal.Count(readable, "file"), first)
	case dir.Mode().Perm()&open != 0:
		p.add(Note, "mode", "chmod 700 "+p.Engine.Path, "%s of %s: other users see the names of files, not what is in them", dir.Mode().Perm(), p.Engine.Path)
	default:
		p.add(OK, "mode", "", "only the program's user can enter the directory")
	}
}
