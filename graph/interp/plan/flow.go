package plan

// Elsewhere is the reader of values that leave the program's steps.
const Elsewhere = -1

// Readers is, by slot, the steps that read it, ascending; outputs and subgraphs read
// Elsewhere.
func (p *Program) Readers() [][]int {
	readers := make([][]int, len(p.Slots))
	for i, s := range p.Steps {
		for _, r := range s.In {
			if r.Up == 0 && r != NoRef {
				readers[r.Slot] = append(readers[r.Slot], i)
			}
		}
		for _, v := range s.Node.Captures() {
			if slot, ok := p.Slots[v]; ok {
				readers[slot] = append(readers[slot], Elsewhere)
			}
		}
	}
	for _, r := range p.Outputs {
		if r.Up == 0 {
			readers[r.Slot] = append(readers[r.Slot], Elsewhere)
		}
	}
	return readers
}

// Reads is, by step, the steps that make what it reads, in the order of its inputs.
func (p *Program) Reads() [][]int {
	made := make([]int, len(p.Slots)) // by slot: 1 + the step that makes it
	for i, s := range p.Steps {
		for _, slot := range s.Out {
			if slot >= 0 {
				made[slot] = i + 1
			}
		}
	}
	reads := make([][]int, len(p.Steps))
	for i, s := range p.Steps {
		note := func(slot int) {
			if k := made[slot]; k > 0 {
				reads[i] = append(reads[i], k-1)
			}
		}
		for _, r := range s.In {
			if r.Up == 0 {
				note(r.Slot)
			}
		}
		for _, v := range s.Node.Captures() {
			if slot, ok := p.Slots[v]; ok {
				note(slot)
			}
		}
	}
	return reads
}

// Lifetimes writes after which step each slot is read for the last time (Step.Drop), and
// which steps make outputs (Step.Leaves).
func (p *Program) Lifetimes() {
	leaves := p.Leaves()
	last := make([]int, len(p.Slots))
	for i := range last {
		last[i] = -1
	}
	for i, s := range p.Steps {
		s.Drop, s.Leaves = nil, false
		for _, o := range s.Out {
			if o >= 0 {
				last[o] = i
				s.Leaves = s.Leaves || leaves(o)
			}
		}
		for _, r := range s.In {
			if r.Up == 0 {
				last[r.Slot] = i
			}
		}
		for _, v := range s.Node.Captures() {
			if slot, ok := p.Slots[v]; ok {
				last[slot] = i
			}
		}
	}
	constant := map[int]bool{}
	for _, c := range p.Consts {
		constant[c.Slot] = true
	}
	for slot, i := range last {
		if i >= 0 && !constant[slot] && !leaves(slot) {
			p.Steps[i].Drop = append(p.Steps[i].Drop, slot)
		}
	}
}
