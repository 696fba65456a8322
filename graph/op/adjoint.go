package op

import "errors"

var errTmp = errors.New("tmp")

func gradConv(c *Grad) error              { return errTmp }
func gradConvTranspose(c *Grad) error     { return errTmp }
func gradMaxPool(c *Grad) error           { return errTmp }
func gradAveragePool(c *Grad) error       { return errTmp }
func gradLpPool(c *Grad) error            { return errTmp }
func gradGlobalAveragePool(c *Grad) error { return errTmp }
func gradGlobalMaxPool(c *Grad) error     { return errTmp }
func gradMatMul(c *Grad) error            { return errTmp }
func gradGemm(c *Grad) error              { return errTmp }

func gradBatchNorm(c *Grad) error    { return errTmp }
func gradInstanceNorm(c *Grad) error { return errTmp }
func gradGroupNorm(c *Grad) error    { return errTmp }
func gradLayerNorm(c *Grad) error    { return errTmp }
func gradLpNorm(c *Grad) error       { return errTmp }
func gradMeanVariance(c *Grad) error { return errTmp }
func gradLRN(c *Grad) error          { return errTmp }

func gradGather(c *Grad) error          { return errTmp }
func gradGatherElements(c *Grad) error  { return errTmp }
func gradGatherND(c *Grad) error        { return errTmp }
func gradScatterElements(c *Grad) error { return errTmp }
func gradScatterND(c *Grad) error       { return errTmp }
func gradTopK(c *Grad) error            { return errTmp }

func gradResize(c *Grad) error { return errTmp }

func gradAffineGrid(c *Grad) error { return errTmp }

func gradUnpool(c *Grad) error      { return errTmp }
func gradCenterCrop(c *Grad) error  { return errTmp }
func gradEinsum(c *Grad) error      { return errTmp }
func gradNLL(c *Grad) error         { return errTmp }
func gradSoftmaxLoss(c *Grad) error { return errTmp }
