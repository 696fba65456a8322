package tensor

import "fmt"

// DType is an element type, with ONNX's numbers (TensorProto.DataType).
type DType int32

// The element types of ONNX, up to IR version 13.
const (
	Invalid        DType = 0
	Float32        DType = 1
	Uint8          DType = 2
	Int8           DType = 3
	Uint16         DType = 4
	Int16          DType = 5
	Int32          DType = 6
	Int64          DType = 7
	String         DType = 8
	Bool           DType = 9
	Float16        DType = 10
	Float64        DType = 11
	Uint32         DType = 12
	Uint64         DType = 13
	Complex64      DType = 14
	Complex128     DType = 15
	BFloat16       DType = 16
	Float8E4M3FN   DType = 17
	Float8E4M3FNUZ DType = 18
	Float8E5M2     DType = 19
	Float8E5M2FNUZ DType = 20
	Uint4          DType = 21
	Int4           DType = 22
	Float4E2M1     DType = 23
	Float8E8M0     DType = 24
	Uint2          DType = 25
	Int2           DType = 26
)

// The storage types of elements that Go has no type for. The narrow ones hold
// one element in a byte; packing is the file format's business.
type (
	F16      uint16 // IEEE 754 binary16
	BF16     uint16 // bfloat16
	F8E4M3   uint8  // FLOAT8E4M3FN
	F8E4M3UZ uint8  // FLOAT8E4M3FNUZ
	F8E5M2   uint8  // FLOAT8E5M2
	F8E5M2UZ uint8  // FLOAT8E5M2FNUZ
	F8E8M0   uint8  // FLOAT8E8M0
	F4E2M1   uint8  // FLOAT4E2M1, in the low four bits
	U4       uint8  // UINT4, 0 to 15
	I4       int8   // INT4, -8 to 7
	U2       uint8  // UINT2, 0 to 3
	I2       int8   // INT2, -2 to 1
)

// Elem is the set of Go types that elements are stored as, one for each DType.
type Elem interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 |
		bool | string | complex64 | complex128 |
		F16 | BF16 | F8E4M3 | F8E4M3UZ | F8E5M2 | F8E5M2UZ | F8E8M0 | F4E2M1 | U4 | I4 | U2 | I2
}

type dtypeInfo struct {
	name string
	bits int
	make func(n int) any
}

var dtypes = [...]dtypeInfo{
	Float32:        {"float32", 32, alloc[float32]},
	Uint8:          {"uint8", 8, alloc[uint8]},
	Int8:           {"int8", 8, alloc[int8]},
	Uint16:         {"uint16", 16, alloc[uint16]},
	Int16:          {"int16", 16, alloc[int16]},
	Int32:          {"int32", 32, alloc[int32]},
	Int64:          {"int64", 64, alloc[int64]},
	String:         {"string", 0, alloc[string]},
	Bool:           {"bool", 8, alloc[bool]},
	Float16:        {"float16", 16, alloc[F16]},
	Float64:        {"float64", 64, alloc[float64]},
	Uint32:         {"uint32", 32, alloc[uint32]},
	Uint64:         {"uint64", 64, alloc[uint64]},
	Complex64:      {"complex64", 64, alloc[complex64]},
	Complex128:     {"complex128", 128, alloc[complex128]},
	BFloat16:       {"bfloat16", 16, alloc[BF16]},
	Float8E4M3FN:   {"float8e4m3fn", 8, alloc[F8E4M3]},
	Float8E4M3FNUZ: {"float8e4m3fnuz", 8, alloc[F8E4M3UZ]},
	Float8E5M2:     {"float8e5m2", 8, alloc[F8E5M2]},
	Float8E5M2FNUZ: {"float8e5m2fnuz", 8, alloc[F8E5M2UZ]},
	Uint4:          {"uint4", 4, alloc[U4]},
	Int4:           {"int4", 4, alloc[I4]},
	Float4E2M1:     {"float4e2m1", 4, alloc[F4E2M1]},
	Float8E8M0:     {"float8e8m0", 8, alloc[F8E8M0]},
	Uint2:          {"uint2", 2, alloc[U2]},
	Int2:           {"int2", 2, alloc[I2]},
}

func alloc[T Elem](n int) any { return make([]T, n) }

// Valid reports whether d is one of ONNX's element types.
func (d DType) Valid() bool { return d > 0 && int(d) < len(dtypes) }

// String is the type's name in lower case, as ONNX's text form has it for most.
func (d DType) String() string {
	if !d.Valid() {
		return fmt.Sprintf("dtype(%d)", int32(d))
	}
	return dtypes[d].name
}

// ParseDType is the inverse of String.
func ParseDType(s string) (DType, bool) {
	for i := range dtypes {
		if dtypes[i].name == s && s != "" {
			return DType(i), true
		}
	}
	switch s {
	case "float":
		return Float32, true
	case "double":
		return Float64, true
	}
	return Invalid, false
}

// Bits is the width of one element in a file; 0 for strings.
func (d DType) Bits() int {
	if !d.Valid() {
		return 0
	}
	return dtypes[d].bits
}

// Size is the number of bytes that one element takes in memory.
func (d DType) Size() int {
	switch b := d.Bits(); {
	case d == String:
		return 16
	case b < 8 && b > 0:
		return 1
	default:
		return b / 8
	}
}

// IsFloat reports whether d is a real floating-point type of 16 bits or more.
func (d DType) IsFloat() bool {
	return d == Float32 || d == Float64 || d == Float16 || d == BFloat16
}

// IsInt reports whether d is an integer type of 8 bits or more.
func (d DType) IsInt() bool {
	switch d {
	case Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64:
		return true
	}
	return false
}

// TypeOf is the DType that elements of type T have.
func TypeOf[T Elem]() DType {
	var z T
	return typeOfElem(any(z))
}

func typeOfElem(z any) DType {
	switch z.(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case bool:
		return Bool
	case string:
		return String
	case complex64:
		return Complex64
	case complex128:
		return Complex128
	case F16:
		return Float16
	case BF16:
		return BFloat16
	}
	return typeOfNarrow(z)
}

func typeOfNarrow(z any) DType {
	switch z.(type) {
	case F8E4M3:
		return Float8E4M3FN
	case F8E4M3UZ:
		return Float8E4M3FNUZ
	case F8E5M2:
		return Float8E5M2
	case F8E5M2UZ:
		return Float8E5M2FNUZ
	case F8E8M0:
		return Float8E8M0
	case F4E2M1:
		return Float4E2M1
	case U4:
		return Uint4
	case I4:
		return Int4
	case U2:
		return Uint2
	case I2:
		return Int2
	}
	return Invalid
}
