//! How axes of operands relate to those of results, proven on slices.

use std::collections::BTreeSet;
use std::sync::Arc;

use ketline_model::operator::table::table;
use ketline_model::operator::{Operator, Role};
use ketline_model::{DType, Dim, Graph, Plan, PlanOptions, Sizes, TensorType};

use crate::case::{Case, case, named};

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
