package op

import (
	"maps"
	"slices"
	"sync"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// notRun are operators of ONNX Runtime's and of older domains that have no row,
// since nothing here runs them, but through which channels can be followed.
var notRun = map[string]flow.Flow{
	"Contiguous":                   {Pass: flow.Moved},
	"ConvIntegerToFloat":           {Pass: flow.Untraced, Integers: true},
	"MatMulNBits":                  {Pass: flow.Contracted, Channels: flow.Product, Integers: true},
	"MultiHeadAttention":           {Pass: flow.Contracted, Channels: flow.Product},
	"NhwcConv":                     {Pass: flow.Contracted, Channels: flow.Last, Places: flow.Strided},
	"SimplifiedLayerNormalization": {Pass: flow.Mapped, Effect: flow.Normalization},
}

// flowDomains are the domains in which a name means the same operator, as far as
// channels are concerned.
var flowDomains = []string{"", "com.microsoft", "com.microsoft.nchwc", "ai.onnx.contrib"}

var flows = sync.OnceValue(func() map[string]flow.Flow {
	all := maps.Clone(notRun)
	for _, o := range All() { // ONNX's own domain first
		if _, known := all[o.Name]; !known && slices.Contains(flowDomains, o.Domain) {
			all[o.Name] = o.Flow
		}
	}
	return all
})

// FlowOf is what the operator does with channels: what its row says or, if it has
// none, what is known of it; the zero Flow if nothing is.
func FlowOf(domain, name string) flow.Flow {
	if !slices.Contains(flowDomains, graph.CanonicalDomain(domain)) {
		return flow.Flow{}
	}
	return flows()[name]
}
