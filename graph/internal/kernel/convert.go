package kernel

// Convert is dst[i] = D(x[i]) with Go's conversion: integers wrap, floats
// round to nearest even or truncate towards zero. A float that an integer
// type cannot hold gives the nearest value that it can, NaN gives 0.
func Convert[D, S Number](par Parallel, dst []D, x []S) {
	if isFloat[S]() && !isFloat[D]() {
		lo, hi := integerLimits[D]()
		par.Do(len(dst), elementGrain, func(from, to int) {
			for i, v := range x[from:to] {
				dst[from+i] = saturate[D](float64(v), lo, hi)
			}
		})
		return
	}
	par.Do(len(dst), elementGrain, func(from, to int) {
		d := dst[from:to]
		for i, v := range x[from:to] {
			d[i] = D(v)
		}
	})
}

// integerLimits are the least and the greatest value of an integer type.
func integerLimits[D Number]() (lo, hi D) {
	var zero D
	if ones := zero - 1; ones > 0 {
		return 0, ones
	}
	hi = 1
	for hi*2 > 0 {
		hi = hi*2 + 1
	}
	return zero - hi - 1, hi
}

func saturate[D Number](f float64, lo, hi D) D {
	switch {
	case f != f:
		return 0
	case f >= float64(hi):
		return hi
	case f <= float64(lo):
		return lo
	}
	return D(f)
}

// ToBool is dst[i] = x[i] != 0.
func ToBool[S Number](dst []bool, x []S) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = v != 0
	}
}

// FromBool is dst[i] = x[i] ? 1 : 0.
func FromBool[D Number](dst []D, x []bool) {
	x = x[:len(dst)]
	at := fromBoolFast(dst, x)
	for i, v := range x[at:] {
		dst[at+i] = 0
		if v {
			dst[at+i] = 1
		}
	}
}
