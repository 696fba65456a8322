package pool

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLeaveCore(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	if before.Count() < 2 {
		t.Skip("one core")
	}
	stayed := true
	for range 100 { // the system may move the thread back at once
		from := cpu()
		leaveCore(from)
		stayed = stayed && cpu() == from
	}
	if stayed {
		t.Error("the thread never left its core")
	}
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != before {
		t.Errorf("the thread may run on %v, want %v; %v", after, before, err)
	}
}
