package draft

import (
	"os"
	"sync"
)

// open is the drafts of this process that were never published or committed.
var open drafts

type drafts struct {
	sync.Mutex
	paths map[string]bool
}

func (d *drafts) add(path string) {
	d.Lock()
	defer d.Unlock()
	if d.paths == nil {
		d.paths = map[string]bool{}
	}
	d.paths[path] = true
}

func (d *drafts) drop(path string) {
	d.Lock()
	defer d.Unlock()
	delete(d.paths, path)
}

// Abandon removes the drafts under way, for a process that ends without waiting for
// whoever writes them. A Commit of one of them fails from then on; no draft can be made.
func Abandon() {
	open.Lock() // for good
	for path := range open.paths {
		os.Remove(path)
	}
}
