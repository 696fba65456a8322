package loss_test

import (
	"fmt"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
)

// defaults are the parameters of every loss as its source has them, by name.
var defaults = map[string]string{
	"asymmetric": "map[clip:0.05 gamma_neg:4 gamma_pos:0]", "balanced-softmax": "map[]", "bce": "map[]", "ce": "map[]",
	"class-balanced-focal": "map[beta:0.9999 gamma:2]", "equalization-v2": "map[alpha:4 gamma:12 mu:0.8]",
	"focal-softmax": "map[alpha:0.25 gamma:2]", "gaussian-focal": "map[alpha:2 gamma:4]", "ghm-c": "map[bins:30 momentum:0]",
	"ldam": "map[max_margin:0.5 scale:1]", "logit-adjusted": "map[tau:1]", "mal": "map[gamma:1.5]", "modified-ce-softmax": "map[]",
	"modified-focal-sigmoid": "map[alpha:0.25 gamma:2]", "modified-focal-softmax": "map[alpha:0.25 gamma:2]", "ohem-ce": "map[neg_ratio:3]",
	"poly1-ce": "map[epsilon:1]", "poly1-focal": "map[alpha:0.25 epsilon:1 gamma:2]", "quality-focal": "map[beta:2]",
	"seesaw": "map[compensation:2 floor:0 mitigation:0.8]", "sigmoid-focal": "map[alpha:0.25 gamma:2]", "task-aligned-bce": "map[gamma:0]",
	"varifocal": "map[alpha:0.75 gamma:2]", "weighted-ce": "map[eos_coef:0.1]", "conf-bce": "map[]", "conf-mse": "map[]", "distribution-focal": "map[]",
}

func TestDefaults(t *testing.T) {
	for _, l := range loss.All() {
		o, err := l.Plain(3).Resolve(l.Kind, map[bool]int{true: 1, false: 3}[l.Kind == loss.Confidence])
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(o.Params), defaults[l.Name]; want != "" && got != want {
			t.Errorf("%s: %s, want %s", l.Name, got, want)
		}
	}
	for name := range defaults {
		find(name)
	}
}
