//go:build amd64 && !noasm

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go run -C gen . -out ../tile_amd64.s -stubs ../tile_amd64.go -pkg kernel

func init() {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return
	}
	kernel32 = func(kc int, a, b, c unsafe.Pointer, ldc int, add bool) {
		tile32AVX2(kc, (*float32)(a), (*float32)(b), (*float32)(c), ldc, add)
	}
	kernel64 = func(kc int, a, b, c unsafe.Pointer, ldc int, add bool) {
		tile64AVX2(kc, (*float64)(a), (*float64)(b), (*float64)(c), ldc, add)
	}
}
