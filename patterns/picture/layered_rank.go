package picture

import "slices"

// visits is the boxes in the order of a walk along the edges, depth first, so that what
// hangs together begins side by side.
func visits(s *sizes) []int {
	next, entered := make([][]int, len(s.Sizes)), make([]int, len(s.Sizes))
	for _, e := range s.Edges {
		next[e[0]] = append(next[e[0]], e[1])
		entered[e[1]]++
	}
	var order, stack []int
	seen := make([]bool, len(s.Sizes))
	walk := func(from int) {
		for stack = append(stack[:0], from); len(stack) > 0; {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[i] {
				continue
			}
			seen[i] = true
			order = append(order, i)
			for _, k := range slices.Backward(next[i]) {
				stack = append(stack, k)
			}
		}
	}
	for i := range s.Sizes {
		if entered[i] == 0 {
			walk(i)
		}
	}
	for i := range s.Sizes {
		walk(i) // what lies in circles
	}
	return order
}

// ranks are the layers: each box as high as the boxes before it allow, then as near to the
// boxes that it has more edges with as they allow. An edge of a circle counts as none.
func ranks(s *sizes) []int {
	n := len(s.Sizes)
	in, out := make([][][3]int, n), make([][][3]int, n)
	wait := make([]int, n)
	for _, e := range s.Edges {
		out[e[0]] = append(out[e[0]], e)
		in[e[1]] = append(in[e[1]], e)
		wait[e[1]]++
	}
	rank, place := make([]int, n), make([]int, n)
	var order []int
	take := func(i int) {
		place[i] = len(order)
		order = append(order, i)
		wait[i] = -1
	}
	for first := 0; len(order) < n; {
		done := len(order)
		for i := range n {
			if wait[i] == 0 {
				take(i)
			}
		}
		for ; done < len(order); done++ {
			for _, e := range out[order[done]] {
				if wait[e[1]]--; wait[e[1]] == 0 {
					take(e[1])
				}
			}
		}
		for ; first < n && wait[first] < 0; first++ {
		}
		if first < n {
			take(first) // which is in a circle
		}
	}
	for _, i := range order {
		for _, e := range in[i] {
			if place[e[0]] < place[i] {
				rank[i] = max(rank[i], rank[e[0]]+1)
			}
		}
	}
	for range 4 {
		for _, i := range slices.Backward(order) {
			low, pull := -1, 0
			for _, e := range out[i] {
				if place[e[1]] > place[i] {
					pull += e[2]
					if low < 0 || rank[e[1]]-1 < low {
						low = rank[e[1]] - 1
					}
				}
			}
			for _, e := range in[i] {
				if place[e[0]] < place[i] {
					pull -= e[2]
				}
			}
			if low > rank[i] && pull > 0 {
				rank[i] = low
			}
		}
	}
	return rank
}
