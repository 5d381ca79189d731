//! All operators, each with examples of operands; a test proves each of them against its row.

use std::sync::Arc;

use super::{
    Affine, Arange, Arithmetic, Attention, AveragePool, BatchNorm, Binary, BinaryCrossEntropy, Broadcast,
    Cast, Concat, Conv2d, CrossEntropy, Dropout, Embedding, EmbeddingBag, Fill, Function, LayerNorm, Linear,
    LinearCrossEntropy, LowerTriangle, MatMul, MaxPool, MeanSquaredError, OneHot, Operator, Pad,
    PairwiseProducts, Permute, Reduce, Reduction, Reshape, Rotary, ScatterAdd, Slice, Softmax, Unary, Window,
};
use crate::{DType, TensorType};

/// An operator with operands that it takes.
#[derive(Debug, Clone)]
pub struct Example {
    /// The operator.
    pub operator: Arc<dyn Operator>,
    /// Types of operands; real ones in double precision, so that finite differences are sharp.
    pub operands: Vec<TensorType>,
    /// What ids among the operands stay below.
    pub ids_below: usize,
}

/// Examples of every operator that a model can name; those of gradients are reached through them.
#[allow(clippy::too_many_lines)] // it is a table
pub fn table() -> Vec<Example> {
    let mut examples = Vec::new();
    let mut add = |operator: Arc<dyn Operator>, operands: &[TensorType], ids_below: usize| {
        examples.push(Example { operator, operands: operands.to_vec(), ids_below });
    };
    let real = |dims: &[usize]| TensorType::new(DType::F64, dims.iter().copied());
    let ids = |dims: &[usize]| TensorType::new(DType::I32, dims.iter().copied());
    let mask = |dims: &[usize]| TensorType::new(DType::Bool, dims.iter().copied());

    for &function in Function::ALL {
        add(Arc::new(Unary(function)), &[real(&[2, 9])], 0);
    }
    for operation in [Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Divide] {
        add(Arc::new(Binary(operation)), &[real(&[4, 6]), real(&[4, 6])], 0);
        add(Arc::new(Binary(operation)), &[real(&[2, 4, 6]), real(&[6])], 0);
        add(Arc::new(Binary(operation)), &[real(&[4, 1]), real(&[2, 1, 6])], 0);
        add(Arc::new(Binary(operation)), &[real(&[4, 6]), real(&[])], 0);
    }
    add(Arc::new(Affine { scale: -1.5, shift: 0.5 }), &[real(&[4, 6])], 0);
    add(Arc::new(Cast(DType::F64)), &[real(&[4, 6])], 0);
    for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
        let operator = Arc::new(MatMul { transpose_a: ta, transpose_b: tb });
        let (a, b) = (if ta { [6, 4] } else { [4, 6] }, if tb { [8, 6] } else { [6, 8] });
        add(operator.clone(), &[real(&a), real(&b)], 0);
        add(operator, &[real(&[2, a[0], a[1]]), real(&[2, b[0], b[1]])], 0);
    }
    add(Arc::new(Linear), &[real(&[4, 6]), real(&[8, 6]), real(&[8])], 0);
    add(Arc::new(Linear), &[real(&[2, 4, 6]), real(&[10, 6])], 0);
    for axes in [vec![0], vec![1], vec![0, 2], vec![0, 1, 2], vec![2]] {
        for reduction in [Reduction::Sum, Reduction::Mean] {
            add(
                Arc::new(Reduce { reduction, axes: axes.clone(), keep: axes.len() == 2 }),
                &[real(&[4, 6, 2])],
                0,
            );
        }
    }
    add(Arc::new(Reshape([2, 2, 6].map(Into::into).to_vec())), &[real(&[4, 6])], 0);
    add(Arc::new(Permute(vec![2, 0, 1])), &[real(&[4, 6, 2])], 0);
    add(Arc::new(Permute(vec![1, 0, 2])), &[real(&[4, 6, 2])], 0);
    add(Arc::new(Concat { axis: 1 }), &[real(&[4, 3, 2]), real(&[4, 5, 2])], 0);
    add(Arc::new(Slice { axis: 1, start: 2, length: 3 }), &[real(&[4, 6, 2])], 0);
    add(Arc::new(Pad { axis: 1, start: 2, size: 9 }), &[real(&[4, 6, 2])], 0);
    add(Arc::new(Broadcast([4, 6, 2].map(Into::into).to_vec())), &[real(&[6, 1])], 0);
    add(Arc::new(Fill { ty: real(&[4, 6]), value: 0.5 }), &[], 0);
    add(Arc::new(Arange(7.into())), &[], 0);
    add(Arc::new(Embedding), &[ids(&[4, 2]), real(&[5, 6])], 5);
    add(Arc::new(ScatterAdd { rows: 5.into() }), &[ids(&[4, 2]), real(&[4, 2, 6])], 5);
    add(Arc::new(OneHot { classes: 5, dtype: DType::F64 }), &[ids(&[4, 2])], 5);
    add(Arc::new(EmbeddingBag), &[ids(&[4, 3]), real(&[5, 6])], 5);
    add(Arc::new(EmbeddingBag), &[ids(&[4, 1]), real(&[5, 6])], 5);
    add(Arc::new(LowerTriangle), &[real(&[4, 5, 5])], 0);
    add(Arc::new(PairwiseProducts), &[real(&[4, 5, 6])], 0);
    add(Arc::new(PairwiseProducts), &[real(&[2, 19, 18])], 0);
    add(Arc::new(LayerNorm { eps: 1e-5, centred: true }), &[real(&[4, 18]), real(&[18]), real(&[18])], 0);
    add(Arc::new(LayerNorm { eps: 1e-5, centred: false }), &[real(&[2, 4, 6]), real(&[6])], 0);
    add(Arc::new(Softmax), &[real(&[4, 18])], 0);
    add(Arc::new(BatchNorm { eps: 1e-5 }), &[real(&[4, 6, 2, 3]), real(&[6]), real(&[6])], 0);
    for (causal, masked) in [(false, false), (true, false), (false, true), (true, true)] {
        let operator = Attention { heads: 2, causal, packed: false, masked };
        let operands = [real(&[2, 4, 6]), real(&[2, 5, 6]), real(&[2, 5, 6]), mask(&[2, 5])];
        add(Arc::new(operator), &operands[..3 + usize::from(masked)], 0);
        let operands = [real(&[2, 5, 18]), mask(&[2, 5])];
        add(Arc::new(Attention { packed: true, ..operator }), &operands[..=usize::from(masked)], 0);
    }
    add(Arc::new(Rotary { heads: 2, base: 100.0, inverse: false }), &[real(&[2, 4, 8])], 0);
    for (stride, padding) in [((1, 1), (1, 1)), ((2, 1), (0, 1)), ((1, 2), (2, 0)), ((3, 3), (1, 1))] {
        let operands = [real(&[2, 4, 5, 6]), real(&[6, 4, 3, 3]), real(&[6])];
        add(Arc::new(Conv2d { stride, padding }), &operands, 0);
        add(Arc::new(Conv2d { stride, padding }), &operands[..2], 0);
        let window = Window { size: (3, 3), stride, padding };
        add(Arc::new(MaxPool(window)), &operands[..1], 0);
        add(Arc::new(AveragePool(window)), &operands[..1], 0);
    }
    add(Arc::new(MaxPool(Window::square(2, 2, 0))), &[real(&[2, 4, 5, 6])], 0);
    add(Arc::new(Dropout { probability: 0.3, seed: 5 }), &[real(&[4, 6])], 0);
    add(Arc::new(CrossEntropy), &[real(&[4, 18]), ids(&[4])], 18);
    for rows in [3, 100] {
        add(Arc::new(LinearCrossEntropy { rows }), &[real(&[2, 4, 6]), real(&[9, 6]), ids(&[2, 4])], 9);
    }
    add(Arc::new(MeanSquaredError), &[real(&[4, 6]), real(&[4, 6])], 0);
    add(Arc::new(BinaryCrossEntropy), &[real(&[4, 6]), real(&[4, 6])], 0);
    examples
}
