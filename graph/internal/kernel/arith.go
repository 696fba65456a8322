package kernel

// Add is dst[i] = a[i] + b[i]; integers wrap.
func Add[T Number]() Rows[T, T] {
	return Rows[T, T]{VV: addVV[T], VS: addVS[T], SV: addSV[T]}
}

func addVV[T Number](dst []T, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := vectorVV(fast32.addVV, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] + b[i]
	}
}

func addVS[T Number](dst []T, a []T, b T) {
	a = a[:len(dst)]
	for i := vectorVS(fast32.addVS, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] + b
	}
}

func addSV[T Number](dst []T, a T, b []T) {
	b = b[:len(dst)]
	for i := vectorVS(fast32.addVS, dst, b, a); i < len(dst); i++ {
		dst[i] = a + b[i]
	}
}

// Sub is dst[i] = a[i] - b[i]; integers wrap.
func Sub[T Number]() Rows[T, T] {
	return Rows[T, T]{VV: subVV[T], VS: subVS[T], SV: subSV[T]}
}

func subVV[T Number](dst []T, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := vectorVV(fast32.subVV, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] - b[i]
	}
}

func subVS[T Number](dst []T, a []T, b T) {
	a = a[:len(dst)]
	for i := vectorVS(fast32.subVS, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] - b
	}
}

func subSV[T Number](dst []T, a T, b []T) {
	b = b[:len(dst)]
	for i := vectorSV(fast32.subSV, dst, a, b); i < len(dst); i++ {
		dst[i] = a - b[i]
	}
}

// Mul is dst[i] = a[i] * b[i]; integers wrap.
func Mul[T Number]() Rows[T, T] {
	return Rows[T, T]{VV: mulVV[T], VS: mulVS[T], SV: mulSV[T]}
}

func mulVV[T Number](dst []T, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := vectorVV(fast32.mulVV, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] * b[i]
	}
}

func mulVS[T Number](dst []T, a []T, b T) {
	a = a[:len(dst)]
	for i := vectorVS(fast32.mulVS, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] * b
	}
}

func mulSV[T Number](dst []T, a T, b []T) {
	b = b[:len(dst)]
	for i := vectorVS(fast32.mulVS, dst, b, a); i < len(dst); i++ {
		dst[i] = a * b[i]
	}
}

// Div is dst[i] = a[i] / b[i] for floats; DivInt is for integers.
func Div[T Float]() Rows[T, T] {
	return Rows[T, T]{VV: divVV[T], VS: divVS[T], SV: divSV[T]}
}

func divVV[T Float](dst []T, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := vectorVV(fast32.divVV, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] / b[i]
	}
}

func divVS[T Float](dst []T, a []T, b T) {
	a = a[:len(dst)]
	for i := vectorVS(fast32.divVS, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] / b
	}
}

func divSV[T Float](dst []T, a T, b []T) {
	b = b[:len(dst)]
	for i := vectorSV(fast32.divSV, dst, a, b); i < len(dst); i++ {
		dst[i] = a / b[i]
	}
}

// Max is dst[i] = the larger of a[i] and b[i]; NaN if either is.
func Max[T Number]() Rows[T, T] {
	return Rows[T, T]{VV: maxVV[T], VS: maxVS[T], SV: maxSV[T]}
}

func maxVV[T Number](dst []T, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

func maxVS[T Number](dst []T, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = max(a[i], b)
	}
}

func maxSV[T Number](dst []T, a T, b []T) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] = max(a, b[i])
	}
}

// Min is dst[i] = the smaller of a[i] and b[i]; NaN if either is.
func Min[T Number]() Rows[T, T] {
	return Rows[T, T]{VV: minVV[T], VS: minVS[T], SV: minSV[T]}
}

func minVV[T Number](dst []T, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = min(a[i], b[i])
	}
}

func minVS[T Number](dst []T, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = min(a[i], b)
	}
}

func minSV[T Number](dst []T, a T, b []T) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] = min(a, b[i])
	}
}
