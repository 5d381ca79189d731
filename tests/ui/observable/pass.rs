//! What is legal stays legal, in code that makes every lint an error.
#![deny(missing_docs, warnings, clippy::pedantic)]

use ketline::observable;

/// Names that an expansion must not trip over.
#[allow(dead_code)]
mod strange {
    struct Observable;
    struct Into;

    pub(super) fn field(strength: f64) -> ketline::Observable {
        ketline::observable!(-strength * Z(0) - strength / 2.0 * sum(1..4, |k| Z(k)))
    }
}

fn main() {
    let edges = vec![(0, 1), (1, 2), (2, 3)];
    let coupling = observable!(sum(&edges, |(i, j)| Z(i) * Z(j) / 4));
    let total = observable!(coupling + strange::field(0.1) + X(0) * Y(0) * Z(0) * X(1) * Y(1) * Z(1));
    assert_eq!(total.width(), 4);
    assert_eq!(observable!(I(3)).to_string(), "1");
}
