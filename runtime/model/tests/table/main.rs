//! Every row of the operator table, proven: shapes, gradients, saved operands, index relations, costs, threads.

#![allow(clippy::cast_possible_wrap)] // small numbers

mod case;
mod cost;
mod relation;

use std::collections::BTreeSet;
use std::sync::Arc;

use case::{case, elements, is_target, loss, named};
use ketline_model::operator::table::table;
use ketline_model::{
    DType, Dim, Error, Gradient, Graph, Pass, Plan, PlanOptions, Sizes, Source, TensorType, Value,
};

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
