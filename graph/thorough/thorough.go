// Package thorough thins out what tests try: the README's test command takes a part of
// the cases of the longest tests, .ci/run all of them.
package thorough

import "os"

// Every is n, or 1 where ONNXLOSS_THOROUGH is set: of so many cases a test takes one.
func Every(n int) int {
	if os.Getenv("ONNXLOSS_THOROUGH") != "" {
		return 1
	}
	return n
}
