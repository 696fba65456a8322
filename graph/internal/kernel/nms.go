package kernel

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"unsafe"
)

// Suppression is the parameters of NonMaxSuppression.
type Suppression struct {
	MaxOutput    int     // boxes kept per image and class; none if 0 or less
	MaxOverlap   float64 // a box is dropped if its overlap with a kept one, in float32, is greater
	MinScore     float64 // a box is dropped unless its score is greater; -Inf keeps all
	CenterFormat bool    // boxes are (x centre, y centre, width, height), else two corners (y, x, y, x)
	Stop         Stop
}

// NonMaxSuppression keeps, for each image and class, the boxes of the highest
// scores whose overlap (intersection over union) with every box kept before is
// at most MaxOverlap. boxes has shape (images, count, 4), scores (images,
// classes, count). The result is triples (image, class, box) in the order of
// images, classes and falling scores; of equal scores, the earlier box is
// first.
func NonMaxSuppression[T Float](par Parallel, boxes, scores []T, images, classes, count int, s Suppression) []int64 {
	if s.MaxOutput <= 0 {
		return nil
	}
	areas := make([]corners, images*count)
	for i := range areas {
		areas[i] = cornersOf(boxes[4*i:4*i+4], s.CenterFormat)
	}
	parts := make([][]int, images)
	for i := range parts {
		parts[i] = s.parts(areas[i*count : (i+1)*count])
	}
	kept := make([][]int, images*classes)
	par.Do(images*classes, grainFor(32*count), func(lo, hi int) {
		var order []int
		for t := lo; t < hi; t++ {
			score := scores[t*count : (t+1)*count]
			order = order[:0]
			for i, v := range score {
				if float64(v) > s.MinScore {
					order = append(order, i)
				}
			}
			slices.SortFunc(order, OrderWith(s.Stop, func(i, j int) int {
				return cmp.Or(cmp.Compare(score[j], score[i]), i-j)
			}))
			kept[t] = s.suppress(order, areas[t/classes*count:], parts[t/classes])
		}
	})
	var out []int64
	for t, list := range kept {
		for _, i := range list {
			out = append(out, int64(t/classes), int64(t%classes), int64(i))
		}
	}
	return out
}

// NonMaxSuppressionScratch is the bytes that NonMaxSuppression takes beside its operands,
// the boxes kept among them.
func NonMaxSuppressionScratch(images, classes, count int, s Suppression) int {
	const word = 8
	orders := min(images*classes, runtime.GOMAXPROCS(0)) * count
	kept := images * classes * max(0, min(count, s.MaxOutput))
	return images*count*int(unsafe.Sizeof(corners{})) + word*(2*images*count+2*orders+8*kept)
}

// parts numbers sets of boxes, by box, so that boxes of different sets are
// apart in x: exporters shift the boxes of each class by more than an image's
// size to suppress all classes at once. Empty boxes overlap none.
func (s *Suppression) parts(areas []corners) []int {
	part := make([]int, len(areas))
	if !(s.MaxOverlap >= 0) {
		return part // an overlap of 0 counts
	}
	order := make([]int, 0, len(areas))
	for i, c := range areas {
		if c.area > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(areas[i].x0, areas[j].x0) })
	n, end := 0, math.Inf(-1)
	for _, i := range order {
		if areas[i].x0 >= end {
			n++
		}
		end = max(end, areas[i].x1)
		part[i] = n
	}
	return part
}

// suppress keeps the boxes, best first, that overlap no kept one of their part
// too much.
func (s *Suppression) suppress(order []int, areas []corners, part []int) (kept []int) {
	rivals := map[int][]corners{}
	most := float32(s.MaxOverlap) // 7/10 is not greater than 0.7, whatever that was rounded to
	for _, i := range order {
		if len(kept) >= s.MaxOutput || s.Stop.now() {
			break
		}
		c, k := areas[i], part[i]
		if !slices.ContainsFunc(rivals[k], func(d corners) bool { return float32(c.overlap(&d)) > most }) {
			kept = append(kept, i)
			if c.area > 0 || s.MaxOverlap < 0 {
				rivals[k] = append(rivals[k], c)
			}
		}
	}
	return kept
}

// corners is a box with ordered corners and its area.
type corners struct{ x0, y0, x1, y1, area float64 }

func cornersOf[T Float](b []T, center bool) (c corners) {
	p, q, r, s := float64(b[0]), float64(b[1]), float64(b[2]), float64(b[3])
	if center {
		c = corners{x0: p - r/2, y0: q - s/2, x1: p + r/2, y1: q + s/2}
	} else {
		c = corners{x0: min(q, s), y0: min(p, r), x1: max(q, s), y1: max(p, r)}
	}
	c.area = (c.x1 - c.x0) * (c.y1 - c.y0)
	return c
}

// overlap is intersection over union; 0 if either box is empty.
func (c *corners) overlap(d *corners) float64 {
	w := min(c.x1, d.x1) - max(c.x0, d.x0)
	h := min(c.y1, d.y1) - max(c.y0, d.y0)
	if !(w > 0 && h > 0) || c.area <= 0 || d.area <= 0 {
		return 0
	}
	return w * h / (c.area + d.area - w*h)
}
