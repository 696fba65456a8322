package kernel

// Equal is dst[i] = a[i] == b[i]; NaN equals nothing.
func Equal[T comparable]() Rows[bool, T] {
	return Rows[bool, T]{VV: equalVV[T], VS: equalVS[T], SV: equalSV[T]}
}

func equalVV[T comparable](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] == b[i]
	}
}

func equalVS[T comparable](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] == b
	}
}

func equalSV[T comparable](dst []bool, a T, b []T) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] = a == b[i]
	}
}

// Less is dst[i] = a[i] < b[i].
func Less[T Number]() Rows[bool, T] {
	return Rows[bool, T]{VV: lessVV[T], VS: lessVS[T], SV: lessSV[T]}
}

func lessVV[T Number](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] < b[i]
	}
}

func lessVS[T Number](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := compareVS(fast32.lessVS, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] < b
	}
}

func lessSV[T Number](dst []bool, a T, b []T) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] = a < b[i]
	}
}

// LessEqual is dst[i] = a[i] <= b[i].
func LessEqual[T Number]() Rows[bool, T] {
	return Rows[bool, T]{VV: lessEqualVV[T], VS: lessEqualVS[T], SV: lessEqualSV[T]}
}

func lessEqualVV[T Number](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] <= b[i]
	}
}

func lessEqualVS[T Number](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] <= b
	}
}

func lessEqualSV[T Number](dst []bool, a T, b []T) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] = a <= b[i]
	}
}

// Greater is dst[i] = a[i] > b[i].
func Greater[T Number]() Rows[bool, T] {
	return Rows[bool, T]{VV: greaterVV[T], VS: greaterVS[T], SV: greaterSV[T]}
}

func greaterVV[T Number](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] > b[i]
	}
}

func greaterVS[T Number](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := compareVS(fast32.greaterVS, dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] > b
	}
}

func greaterSV[T Number](dst []bool, a T, b []T) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] = a > b[i]
	}
}

// GreaterEqual is dst[i] = a[i] >= b[i].
func GreaterEqual[T Number]() Rows[bool, T] {
	return Rows[bool, T]{VV: greaterEqualVV[T], VS: greaterEqualVS[T], SV: greaterEqualSV[T]}
}

func greaterEqualVV[T Number](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] >= b[i]
	}
}

func greaterEqualVS[T Number](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] >= b
	}
}

func greaterEqualSV[T Number](dst []bool, a T, b []T) {
	b = b[:len(dst)]
	for i := range dst {
		dst[i] = a >= b[i]
	}
}
