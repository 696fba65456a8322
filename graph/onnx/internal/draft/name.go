package draft

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
)

const (
	prefix = ".onnxloss-"
	suffix = ".tmp"
)

// newName is a draft's name: machine, number and check sum, in 8 hexadecimal
// digits each.
func newName() string {
	id := fmt.Sprintf("%08x-%08x", machine(), rand.Uint32())
	return prefix + id + "-" + checkSum(id) + suffix
}

// Is reports whether name is that of a draft, on any machine.
func Is(name string) bool {
	ok, _ := isDraft(name)
	return ok
}

// isDraft reports whether newName gives the name on some machine, and whether
// that is this one.
func isDraft(name string) (ok, here bool) {
	body, found := strings.CutPrefix(name, prefix)
	body, found2 := strings.CutSuffix(body, suffix)
	if !found || !found2 || len(body) != 26 || body[8] != '-' || body[17] != '-' || body[18:] != checkSum(body[:17]) {
		return false, false
	}
	return true, body[:8] == fmt.Sprintf("%08x", machine())
}

func checkSum(id string) string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte("onnxloss draft "+id)))
}

// machine stands for the running system, which is what locks reach across.
var machine = sync.OnceValue(func() uint32 {
	if id, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		return crc32.ChecksumIEEE(id)
	}
	name, _ := os.Hostname()
	return crc32.ChecksumIEEE([]byte(name))
})
