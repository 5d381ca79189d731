//! An operator alone in a graph, its operands filled with noise.

use std::sync::Arc;

use ketline_model::operator::table::Example;
use ketline_model::operator::{Arithmetic, Binary, Operator};
use ketline_model::{DType, Gradient, Graph, Plan, PlanOptions, Run, Sizes, TensorType, Value};

/// Numbers from -1 to 1 that look random.
pub(crate) fn noise(seed: usize) -> impl Iterator<Item = f64> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    })
}

pub(crate) fn elements(ty: &TensorType) -> usize {
    ty.elements().known().unwrap()
}

/// Operand values: positive, away from zero and from one another where functions have corners.
pub(crate) fn operand(k: usize, n: usize) -> Vec<f64> {
    noise(k).take(n).enumerate().map(|(i, x)| 0.2 + x.abs() + 1e-3 * i as f64).collect()
}

pub(crate) fn signed(name: &str) -> bool {
    !matches!(name, "log" | "sqrt" | "divide")
}

pub(crate) struct Case {
    pub(crate) run: Run,
    pub(crate) operands: Vec<Value>,
    pub(crate) results: Vec<Value>,
    pub(crate) gradients: Vec<Option<Gradient>>,
    pub(crate) weighted: Value,
}

/// The operator alone, its result 0 weighted by noise and summed to a loss, differentiated by every real operand.
pub(crate) fn case(
    operator: &Arc<dyn Operator>,
    types: &[TensorType],
    below: usize,
    threads: usize,
    derive: bool,
) -> Case {
    let mut graph = Graph::new();
    let operands: Vec<_> =
        types.iter().enumerate().map(|(k, ty)| graph.input(&format!("x{k}"), ty.clone()).unwrap()).collect();
    let results = graph.apply_all(Arc::clone(operator), &operands).unwrap();
    let by: Vec<_> = operands.iter().copied().filter(|&x| graph.ty(x).dtype.is_real()).collect();
    let (mut keep, mut gradients) = (results.clone(), vec![None; operands.len()]);
    let ty = graph.ty(results[0]).clone();
    let mut loss = results[0];
    if ty.dtype.is_real() {
        let weights = graph.input("weights", ty.clone()).unwrap();
        let product = graph.apply(Binary(Arithmetic::Multiply), &[results[0], weights]).unwrap();
        loss = if ty.rank() == 0 {
            product
        } else {
            graph.sum(product, &(0..ty.rank()).collect::<Vec<_>>()).unwrap()
        };
    }
    if derive && ty.dtype.is_real() {
        let by: Vec<_> = by.iter().copied().filter(|&x| !is_target(operator.name(), &operands, x)).collect();
        for (value, gradient) in by.iter().zip(graph.differentiate(loss, &by, &[]).unwrap()) {
            if let Some(Gradient::Dense(gradient)) = &gradient {
                keep.push(*gradient);
            }
            gradients[operands.iter().position(|x| x == value).unwrap()] = gradient;
        }
    }
    graph.output("loss", loss).unwrap();
    let options = PlanOptions { threads, keep, ..PlanOptions::default() };
    let mut run = Plan::new(&graph, &Sizes::new(), &options).unwrap().start(1).unwrap();
    for (k, (&value, ty)) in operands.iter().zip(types).enumerate() {
        let n = elements(ty);
        match ty.dtype {
            DType::F64 => {
                let mut values = operand(k, n);
                if signed(operator.name()) {
                    values
                        .iter_mut()
                        .zip(noise(k + 77))
                        .filter(|(_, sign)| *sign < 0.0)
                        .for_each(|(x, _)| *x = -*x);
                }
                run.values_mut::<f64>(value).unwrap().copy_from_slice(&values);
            }
            DType::I32 => {
                let values = noise(k).map(|x| ((0.5 * x + 0.5) * below as f64) as i32);
                run.values_mut::<i32>(value)
                    .unwrap()
                    .iter_mut()
                    .zip(values)
                    .for_each(|(to, from)| *to = from);
            }
            // the first key may be seen, so that no row is empty
            _ => run.values_mut::<u8>(value).unwrap().iter_mut().zip(noise(k)).enumerate().for_each(
                |(i, (to, x))| {
                    *to = u8::from(i % 5 == 0 || x > 0.0);
                },
            ),
        }
    }
    if ty.dtype.is_real() {
        let weights: Vec<_> = noise(99).take(elements(&ty)).collect();
        run.set("weights", &weights).unwrap();
    }
    Case { run, operands, results, gradients, weighted: loss }
}

/// Losses have no gradient by their targets.
pub(crate) fn is_target(name: &str, operands: &[Value], x: Value) -> bool {
    matches!(name, "mean_squared_error" | "binary_cross_entropy") && operands[1] == x
}

pub(crate) fn loss(case: &mut Case) -> f64 {
    case.run.set_steps(0);
    case.run.step().unwrap();
    case.run.values::<f64>(case.weighted).unwrap()[0]
}

pub(crate) fn named(example: &Example) -> String {
    format!("{:?} on {:?}", example.operator, example.operands)
}
