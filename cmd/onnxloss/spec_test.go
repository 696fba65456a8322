package main

import (
	"reflect"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
)

// TestSpec: a word stands for a loss with numbers; a modulation by α alone has γ = 0,
// which changes nothing else.
func TestSpec(t *testing.T) {
	for word, want := range map[string]loss.Options{
		"bce":                      {Name: "bce", Params: map[string]float64{}},
		"focal-softmax:gamma=3":    {Name: "focal-softmax", Params: map[string]float64{"gamma": 3}},
		"bce:modulate-alpha=0.25":  {Name: "bce", Params: map[string]float64{}, Modulate: &loss.Modulation{Gamma: []float64{0}, Alpha: []float64{0.25}}},
		"bce:modulate-gamma=2":     {Name: "bce", Params: map[string]float64{}, Modulate: &loss.Modulation{Gamma: []float64{2}}},
		"bce:label-smoothing=0.1":  {Name: "bce", Params: map[string]float64{}, LabelSmoothing: 0.1},
		"asymmetric:gamma-neg=2.5": {Name: "asymmetric", Params: map[string]float64{"gamma_neg": 2.5}},
	} {
		if got, err := parseSpec(word); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v, error %v", word, got, want, err)
		}
	}
	for _, word := range []string{"nothing", "bce:gamma=2", "bce:eps", "bce:eps=x", "focal-softmax:gamma=-1"} {
		if o, err := parseSpec(word); err == nil {
			t.Errorf("%s: %+v, want an error", word, o)
		}
	}
}
