//! Costs, proven against counts.

use ketline_model::Value;
use ketline_model::operator::table::table;

use crate::case::{case, named};

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
