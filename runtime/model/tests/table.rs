//! Every row of the operator table, proven: shapes, gradients, saved operands, index relations, costs, threads.

#![allow(clippy::cast_possible_wrap)] // small numbers

use std::collections::BTreeSet;
use std::sync::Arc;

use ketline_model::operator::table::{Example, table};
use ketline_model::operator::{Arithmetic, Binary, Operator, Role};
use ketline_model::{
    DType, Dim, Error, Gradient, Graph, Pass, Plan, PlanOptions, Run, Sizes, Source, TensorType, Value,
};

/// Numbers from -1 to 1 that look random.
fn noise(seed: usize) -> impl Iterator<Item = f64> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    })
}

fn elements(ty: &TensorType) -> usize {
    ty.elements().known().unwrap()
}

/// Operand values: positive, away from zero and from one another where functions have corners.
fn operand(k: usize, n: usize) -> Vec<f64> {
    noise(k).take(n).enumerate().map(|(i, x)| 0.2 + x.abs() + 1e-3 * i as f64).collect()
}

fn signed(name: &str) -> bool {
    !matches!(name, "log" | "sqrt" | "divide")
}

struct Case {
    run: Run,
    operands: Vec<Value>,
    results: Vec<Value>,
    gradients: Vec<Option<Gradient>>,
    weighted: Value,
}

/// The operator alone, its result 0 weighted by noise and summed to a loss, differentiated by every real operand.
fn case(
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
fn is_target(name: &str, operands: &[Value], x: Value) -> bool {
    matches!(name, "mean_squared_error" | "binary_cross_entropy") && operands[1] == x
}

fn loss(case: &mut Case) -> f64 {
    case.run.set_steps(0);
    case.run.step().unwrap();
    case.run.values::<f64>(case.weighted).unwrap()[0]
}

fn named(example: &Example) -> String {
    format!("{:?} on {:?}", example.operator, example.operands)
}

#[test]
fn gradients_are_finite_differences() {
    for example in table() {
        let name = named(&example);
        let mut case = case(&example.operator, &example.operands, example.ids_below, 1, true);
        if !case.run.plan().graph().ty(case.results[0]).dtype.is_real() {
            continue;
        }
        loss(&mut case);
        for (k, ty) in example.operands.iter().enumerate().filter(|(_, ty)| ty.dtype.is_real()) {
            let Some(Gradient::Dense(gradient)) = case.gradients[k].clone() else {
                assert!(
                    is_target(example.operator.name(), &case.operands, case.operands[k]),
                    "{name}: operand {k}"
                );
                continue;
            };
            loss(&mut case);
            let found = case.run.values::<f64>(gradient).unwrap().to_vec();
            #[allow(clippy::needless_range_loop)] // the operand's elements are meant as well
            for i in 0..elements(ty) {
                let h = 1e-5;
                let mut at = |shift: f64| {
                    case.run.values_mut::<f64>(case.operands[k]).unwrap()[i] += shift;
                    let value = loss(&mut case);
                    case.run.values_mut::<f64>(case.operands[k]).unwrap()[i] -= shift;
                    value
                };
                let expected = (at(h) - at(-h)) / (2.0 * h);
                let error = (found[i] - expected).abs();
                assert!(
                    error < 1e-6 * (1.0 + expected.abs()),
                    "{name}: operand {k}, element {i}: {} {expected}",
                    found[i]
                );
            }
        }
    }
}

#[test]
fn derivatives_read_what_their_rows_say() {
    for example in table() {
        let case = case(&example.operator, &example.operands, example.ids_below, 1, true);
        if case.gradients.iter().all(Option::is_none) {
            continue;
        }
        let graph = case.run.plan().graph();
        let read: BTreeSet<Value> = (graph.nodes().iter())
            .filter(|node| node.pass == Pass::Backward && node.of == Some(0))
            .flat_map(|node| node.operands.iter().copied())
            .collect();
        let saved = example.operator.saved();
        let said: BTreeSet<Value> = (saved.operands.iter().map(|&k| case.operands[k]))
            .chain(saved.results.iter().map(|&k| case.results[k]))
            .collect();
        let all: BTreeSet<Value> = case.operands.iter().chain(&case.results).copied().collect();
        let read: BTreeSet<Value> = read.intersection(&all).copied().collect();
        assert_eq!(read, said, "{}", named(&example));
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for example in table() {
        let results = [1, 2, 3].map(|threads| {
            let mut case = case(&example.operator, &example.operands, example.ids_below, threads, true);
            case.run.step().unwrap();
            let gradients = case.gradients.iter().flatten().filter_map(|gradient| match gradient {
                Gradient::Dense(value) => Some(case.run.values::<f64>(*value).unwrap().to_vec()),
                _ => None,
            });
            gradients.collect::<Vec<_>>()
        });
        assert!(results[0] == results[1] && results[0] == results[2], "{}", named(&example));
    }
}

/// Operands that die where results are made may lie in the same memory: the results are the same.
#[test]
fn working_in_place_changes_nothing() {
    let mut shared = BTreeSet::new();
    for example in table().into_iter().filter(|example| !example.operator.in_place().is_empty()) {
        for skip in 0..=example.operands.len() {
            let mut apart = case(&example.operator, &example.operands, example.ids_below, 2, false);
            apart.run.step().unwrap();
            let mut graph = Graph::new();
            let inputs: Vec<_> = (example.operands.iter().enumerate())
                .map(|(k, ty)| graph.input(&format!("x{k}"), ty.clone()).unwrap())
                .collect();
            // copies of real operands, but for one, die at the operator
            let copies: Vec<_> = (inputs.iter().zip(&example.operands).enumerate())
                .map(
                    |(k, (&x, ty))| {
                        if ty.dtype.is_real() && k != skip { graph.affine(x, 1.0, 0.0).unwrap() } else { x }
                    },
                )
                .collect();
            let results = graph.apply_all(Arc::clone(&example.operator), &copies).unwrap();
            let options = PlanOptions { threads: 2, keep: results.clone(), ..PlanOptions::default() };
            let mut run = Plan::new(&graph, &Sizes::new(), &options).unwrap().start(1).unwrap();
            for (k, ty) in example.operands.iter().enumerate() {
                if ty.dtype == DType::F64 {
                    let values = apart.run.values::<f64>(apart.operands[k]).unwrap().to_vec();
                    run.set(&format!("x{k}"), &values).unwrap();
                } else {
                    let values = apart.run.values::<i32>(apart.operands[k]).unwrap().to_vec();
                    run.set(&format!("x{k}"), &values).unwrap();
                }
            }
            run.step().unwrap();
            let placed = |name: &str| run.plan().placements().iter().any(|placement| placement.name == name);
            if !placed(example.operator.name()) {
                shared.insert(example.operator.name());
            }
            for (&a, &b) in apart.results.iter().zip(&results) {
                assert_eq!(
                    apart.run.values::<f64>(a).unwrap(),
                    run.values::<f64>(b).unwrap(),
                    "{}",
                    named(&example)
                );
            }
        }
    }
    for name in ["relu", "add", "divide", "softmax", "dropout", "rotary"] {
        assert!(shared.contains(name), "{name} never worked in place: {shared:?}");
    }
}

/// A part of each operand along the axes that have this role, as a type and values.
fn part(case: &Case, k: usize, ty: &TensorType, axes: &[usize], half: usize) -> (TensorType, Vec<f64>) {
    let dims: Vec<usize> = ty.shape.iter().map(|dim| dim.known().unwrap()).collect();
    let values: Vec<f64> = match ty.dtype {
        DType::F64 => case.run.values::<f64>(case.operands[k]).unwrap().to_vec(),
        DType::I32 => {
            case.run.values::<i32>(case.operands[k]).unwrap().iter().map(|&x| f64::from(x)).collect()
        }
        _ => case.run.values::<u8>(case.operands[k]).unwrap().iter().map(|&x| f64::from(x)).collect(),
    };
    cut(&dims, &values, axes, half, ty)
}

fn cut(
    dims: &[usize],
    values: &[f64],
    axes: &[usize],
    half: usize,
    ty: &TensorType,
) -> (TensorType, Vec<f64>) {
    let sizes: Vec<usize> = (dims.iter().enumerate())
        .map(|(axis, &dim)| if axes.contains(&axis) { dim / 2 } else { dim })
        .collect();
    let keep = values.iter().enumerate().filter(|(i, _)| {
        let mut rest = *i;
        (0..dims.len()).rev().all(|axis| {
            let index = rest % dims[axis];
            rest /= dims[axis];
            !axes.contains(&axis) || index / sizes[axis] == half
        })
    });
    let values = keep.map(|(_, &x)| x).collect();
    (TensorType { dtype: ty.dtype, shape: sizes.into_iter().map(Dim::from).collect() }, values)
}

/// Runs the operator on other operands; `None` if its attributes fix the size.
fn run_on(operator: &Arc<dyn Operator>, parts: &[(TensorType, Vec<f64>)]) -> Option<Vec<f64>> {
    let mut graph = Graph::new();
    let operands: Vec<_> = (parts.iter().enumerate())
        .map(|(k, (ty, _))| graph.input(&format!("x{k}"), ty.clone()).unwrap())
        .collect();
    let results = graph.apply_all(Arc::clone(operator), &operands).ok()?;
    let options = PlanOptions { threads: 1, keep: results.clone(), ..PlanOptions::default() };
    let mut run = Plan::new(&graph, &Sizes::new(), &options).unwrap().start(1).unwrap();
    for (&value, (ty, values)) in operands.iter().zip(parts) {
        match ty.dtype {
            DType::F64 => run.values_mut::<f64>(value).unwrap().copy_from_slice(values),
            DType::I32 => run
                .values_mut::<i32>(value)
                .unwrap()
                .iter_mut()
                .zip(values)
                .for_each(|(to, &x)| *to = x as i32),
            _ => {
                run.values_mut::<u8>(value)
                    .unwrap()
                    .iter_mut()
                    .zip(values)
                    .for_each(|(to, &x)| *to = x as u8);
            }
        }
    }
    run.step().unwrap();
    Some(run.values::<f64>(results[0]).unwrap().to_vec())
}

/// Axes that pass give slices of the result from slices of the operands; axes that contract give parts of a sum.
#[test]
fn relations_hold_on_slices() {
    let (mut passed, mut contracted) = (BTreeSet::new(), BTreeSet::new());
    for example in table() {
        let name = named(&example);
        let mut case = case(&example.operator, &example.operands, example.ids_below, 1, false);
        case.run.step().unwrap();
        let result = case.run.plan().graph().ty(case.results[0]).clone();
        let roles = example.operator.relation(&example.operands);
        assert_eq!(roles.len(), example.operands.len(), "{name}");
        for (roles, ty) in roles.iter().zip(&example.operands) {
            assert_eq!(roles.len(), ty.rank(), "{name}");
        }
        if result.dtype != DType::F64 {
            continue;
        }
        let whole = case.run.values::<f64>(case.results[0]).unwrap().to_vec();
        let dims: Vec<usize> = result.shape.iter().map(|dim| dim.known().unwrap()).collect();
        let split = |half: usize, chosen: &dyn Fn(Role) -> bool| -> Vec<_> {
            (example.operands.iter().enumerate())
                .map(|(k, ty)| {
                    let axes: Vec<_> = (0..ty.rank()).filter(|&axis| chosen(roles[k][axis])).collect();
                    part(&case, k, ty, &axes, half)
                })
                .collect()
        };
        let even = |chosen: &dyn Fn(Role) -> bool| {
            example.operands.iter().zip(&roles).all(|(ty, roles)| {
                ty.shape.iter().zip(roles).all(|(dim, &role)| !chosen(role) || dim.known().unwrap() % 2 == 0)
            })
        };
        for axis in 0..result.rank() {
            let chosen = |role: Role| role == Role::Passes(axis);
            let any = roles.iter().flatten().any(|&role| chosen(role));
            if !any || !even(&chosen) || dims[axis] % 2 == 1 {
                continue;
            }
            for half in 0..2 {
                let Some(found) = run_on(&example.operator, &split(half, &chosen)) else { continue };
                let (_, expected) = cut(&dims, &whole, &[axis], half, &result);
                assert!(close(&found, &expected), "{name}: axis {axis}");
                passed.insert(example.operator.name());
            }
        }
        // operands that only add to a result, such as a bias, would be added twice
        let chosen = |role: Role| role == Role::Contracts;
        let all =
            roles.iter().filter(|roles| !roles.is_empty()).all(|roles| roles.contains(&Role::Contracts));
        if all && even(&chosen) && roles.iter().flatten().any(|&role| chosen(role)) {
            let one = |half| run_on(&example.operator, &split(half, &chosen));
            let (Some(first), Some(second)) = (one(0), one(1)) else { continue };
            // several contracted axes of one operand leave mixed quarters out
            if roles.iter().all(|roles| roles.iter().filter(|&&role| chosen(role)).count() <= 1) {
                let sum: Vec<_> = first.iter().zip(&second).map(|(a, b)| a + b).collect();
                assert!(close(&sum, &whole), "{name}: contraction");
                contracted.insert(example.operator.name());
            }
        }
    }
    for name in [
        "linear",
        "matmul",
        "conv2d",
        "attention",
        "add",
        "layer_norm",
        "batch_norm",
        "max_pool",
        "embedding",
    ] {
        assert!(passed.contains(name), "{name} was not sliced: {passed:?}");
    }
    for name in ["linear", "matmul", "sum"] {
        assert!(contracted.contains(name), "{name} was not summed: {contracted:?}");
    }
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12 * (1.0 + b.abs()))
}

/// Bytes are those of operands and results, but for rows that are picked out and views; products are counted one by one.
#[test]
fn costs_are_what_is_counted() {
    for example in table() {
        let case = case(&example.operator, &example.operands, example.ids_below, 1, false);
        let plan = case.run.plan();
        let cost = plan.cost(0);
        let all: usize =
            case.operands.iter().chain(&case.results).map(|&value| plan.extent(value).bytes()).sum();
        let dims = |value: Value| plan.extent(value).dims.clone();
        let out = plan.extent(case.results[0]).elements() as u64;
        match example.operator.name() {
            "reshape" => assert_eq!((cost.bytes, cost.flops), (0, 0)),
            "embedding" | "embedding_bag" | "slice" | "lower_triangle" => {
                assert!(cost.bytes > 0, "{}", named(&example));
            }
            _ => assert_eq!(cost.bytes, all as u64, "{}", named(&example)),
        }
        // multiplications and additions of the defining sums, counted by loops over all indices
        let counted = match example.operator.name() {
            "matmul" | "linear" => {
                let (a, bias) = (plan.extent(case.operands[0]).elements() as u64, case.operands.len() > 2);
                let k = a / (a_rows(&dims(case.operands[0]), &dims(case.results[0]), a));
                let mut count = 0;
                for _element in 0..out {
                    (0..k).for_each(|_| count += 2);
                    count += u64::from(bias);
                }
                count
            }
            "conv2d" => {
                let w = dims(case.operands[1]);
                let mut count = 0;
                for _element in 0..out {
                    for _patch in 0..w[1] * w[2] * w[3] {
                        count += 2;
                    }
                    count += u64::from(case.operands.len() > 2);
                }
                count
            }
            "attention" => {
                let (q, heads) = (dims(case.results[0]), dims(case.results[1])[1]);
                let keys = if case.operands.len() < 3 { q[1] } else { dims(case.operands[1])[1] };
                let mut count = 0;
                for _query in 0..q[0] * heads * q[1] {
                    for _key in 0..keys {
                        count += 2 * 2 * (q[2] / heads) as u64; // scores, then values
                    }
                }
                count
            }
            _ => continue,
        };
        assert_eq!(cost.flops, counted, "{}", named(&example));
    }
}

/// Rows of a product's left operand: elements of the result over columns of the result.
fn a_rows(a: &[usize], result: &[usize], elements: u64) -> u64 {
    let out: u64 = result.iter().map(|&dim| dim as u64).product();
    let rows = out / *result.last().unwrap() as u64;
    assert_eq!(elements % rows, 0, "{a:?} {result:?}");
    rows
}

/// Every operator refuses the wrong number of operands, and operands of another type or shape.
#[test]
fn operands_that_do_not_fit_are_refused() {
    for example in table() {
        let name = named(&example);
        let operator = &example.operator;
        let more = [example.operands.clone(), vec![TensorType::new(DType::Bool, [3])]].concat();
        let error = operator.results(&more).unwrap_err();
        // these take one more operand, though not of this type
        let takes = operator.name() == "concat"
            || (["linear", "conv2d"].contains(&operator.name()) && more.len() == 3);
        assert!(takes || matches!(error, Error::Operands { .. }), "{name}: {error}");
        if example.operands.is_empty() {
            continue;
        }
        assert!(matches!(operator.results(&[]), Err(Error::Operands { .. })), "{name}");
        for k in 0..example.operands.len() {
            let mut other = example.operands.clone();
            other[k].dtype = if other[k].dtype == DType::Bool { DType::F64 } else { DType::Bool };
            let moves =
                matches!(operator.name(), "reshape" | "permute" | "slice" | "pad" | "broadcast" | "cast")
                    || (operator.name() == "embedding" && k == 1);
            assert!(moves || operator.results(&other).is_err(), "{name}: type of operand {k}");
        }
        if example.operands.len() > 1 {
            let mut other = example.operands.clone();
            other[0].shape.push(17.into());
            let alone = ["embedding", "embedding_bag", "batch_norm"].contains(&operator.name())
                || example.operands[1].rank() == 0;
            assert!(alone || operator.results(&other).is_err(), "{name}: shape");
        }
    }
}

/// Named sizes stay names: nothing in a row needs a number for the batch.
#[test]
fn a_named_batch_passes() {
    let mut graph = Graph::new();
    let x = graph
        .input("x", TensorType::new(DType::F32, [Dim::named("B"), 3.into(), 8.into(), 8.into()]))
        .unwrap();
    let window = ketline_model::operator::Window::square(3, 1, 1);
    let y = graph.conv2d("c", x, 4, window).unwrap();
    let y = graph.batch_norm("n", y, true).unwrap();
    let y = graph.relu(y).unwrap();
    let y = graph.max_pool(y, ketline_model::operator::Window::square(2, 2, 0)).unwrap();
    let y = graph.flatten(y).unwrap();
    let y = graph.linear("l", y, 5).unwrap();
    assert_eq!(graph.ty(y).to_string(), "F32<B, 5>");
    let targets = graph.input("t", TensorType::new(DType::I32, ["B"])).unwrap();
    let loss = graph.cross_entropy(y, targets).unwrap();
    let by: Vec<_> = graph.parameters().map(|(value, _)| value).collect();
    let gradients = graph.differentiate(loss, &by, &[]).unwrap();
    assert!(gradients.iter().all(Option::is_some));
    assert!(
        graph
            .tensors()
            .all(|(_, tensor)| matches!(tensor.source, Source::Node { .. }) || !tensor.name.is_empty())
    );
    assert!(graph.to_string().contains("Conv2dWeightGradient"));
    for batch in [1, 5] {
        let sizes = Sizes::new().with("B", batch);
        let mut graph = graph.clone();
        graph.output("loss", loss).unwrap();
        let mut run = Plan::new(&graph, &sizes, &PlanOptions::default()).unwrap().start(3).unwrap();
        run.set("x", &vec![0.5_f32; batch * 192]).unwrap();
        run.set("t", &vec![1_i32; batch]).unwrap();
        run.step().unwrap();
        assert!(run.output::<f32>("loss").unwrap()[0].is_finite());
        run.set("t", &vec![5_i32; batch]).unwrap();
        let error = run.step().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`cross_entropy`: id 5 at position 0 is out of range: there are 5 rows"
        );
    }
}
